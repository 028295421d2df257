import type { FieldError } from "./field-error.js";

/** Shows an error beside its field, which gets the focus. */
export function showFieldError(form: HTMLFormElement, { field, message }: FieldError): void {
  const input = form.querySelector<HTMLElement>(`[name="${field}"]`);
  const error = form.querySelector<HTMLElement>(`#${field}-error`);
  if (input === null || error === null) throw new Error(`the form has no field ${field}`);
  error.textContent = message;
  error.hidden = false;
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

export function hideFieldErrors(form: HTMLFormElement): void {
  for (const error of form.querySelectorAll<HTMLElement>(".field-error")) error.hidden = true;
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}
