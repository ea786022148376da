import { webSocketForms } from "./echo-websocket-forms.js";
import { fieldForms, garbageForms } from "./echo-field-forms.js";
import { compressedForms, brokenCompression } from "./echo-coding-forms.js";
import { textForms, base64Forms, errorForms } from "./echo-text-forms.js";
import type { EchoForm } from "./echo-form.js";
import {
  chunkGarbage,
  chunkGarbageAtOnce,
  insideForm,
  framings,
  partialForms,
} from "./echo-framing-forms.js";

/** Every form in which the upstream gives back what it received. */
export const ECHO_FORMS: readonly EchoForm[] = [
  ...textForms,
  ...base64Forms,
  ...framings,
  ...compressedForms,
  ...brokenCompression,
  ...fieldForms,
  ...errorForms,
  ...garbageForms,
  chunkGarbage,
  chunkGarbageAtOnce,
  ...partialForms,
  insideForm,
  ...webSocketForms,
];
