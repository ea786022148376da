"""Sends one mail by smtplib: PORT, how (plain, login or none), recipient, and the message on standard input."""

import smtplib
import sys

port, how, recipient = sys.argv[1:]
message = sys.stdin.buffer.read()
with smtplib.SMTP("127.0.0.1", int(port), timeout=20) as client:
    client.ehlo()
    assert client.has_extn("smtputf8") and client.has_extn("8bitmime") and not client.has_extn("starttls")
    if how != "none":
        client.user, client.password = "agent", "local-p4ssword"
        client.auth(how, getattr(client, "auth_" + how), initial_response_ok=how == "plain")
    refused = client.sendmail(
        "sender@mail.test", [recipient], message, ["BODY=8BITMIME", "SMTPUTF8"], ["NOTIFY=NEVER"]
    )
    assert refused == {}, refused
    # A second one in the same session.
    client.noop()
    client.rset()
    client.sendmail("sender@mail.test", [recipient], message)
