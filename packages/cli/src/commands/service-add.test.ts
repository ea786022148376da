import { Command } from "commander";
import { expect, test } from "vitest";

import { terminalContext } from "../testing/terminal-context.js";
import { configureServiceAdd } from "./service-add.js";

test("a terminal is asked for whatever is missing, and shows no secret", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync([], { from: "user" });
  await terminal.answer("Name of the service", "dd\r");
  await terminal.answer("Base URL", "https://api.example\r");
  await terminal.answer("Where does the credential go", "\u001b[B\u001b[B\r");
  await terminal.answer("Names of the headers", "A, B\r");
  await terminal.answer("Value of A", "sk-one\r");
  await terminal.answer("Value of B", "sk-two\r");
  await done;
  expect(terminal.calls).toEqual(["POST /services"]);
  expect(terminal.screen()).not.toContain("sk-");
});

test("a name that the vault would refuse is told before the next question", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync([], { from: "user" });
  await terminal.answer("Name of the service", "my service\r");
  await terminal.answer("first a letter or digit", "\u0003");
  await expect(done).rejects.toThrow("cancelled");
  expect(terminal.screen()).not.toContain("Base URL");

  await expect(command.parseAsync(["x/y"], { from: "user" })).rejects.toThrow(
    "cannot be the name of a service",
  );
  expect(terminal.calls).toEqual([]);
});

test("a terminal is asked for what a credential that expires cannot do without", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync(["gh", "--github-app", "1"], { from: "user" });
  await terminal.answer("Id of the installation", "2\r");
  await terminal.answer("uploaded private key", "app.pem\r");
  await done;
  expect(JSON.parse(String(terminal.bodies[0]))).toEqual({
    name: "gh",
    base_url: "https://api.github.com",
    auth: { type: "github_app", app_id: "1", installation_id: "2", key_file: "app.pem" },
  });
});
