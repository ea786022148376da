/** Runs a task again and again, without keeping the process alive. @returns ends that */
export function every(milliseconds: number, task: () => void): () => void {
  const timer = setInterval(task, milliseconds).unref();
  return () => clearInterval(timer);
}

/** Runs a task once, without keeping the process alive. @returns takes it back */
export function runLater(milliseconds: number, task: () => void): () => void {
  const timer = setTimeout(task, milliseconds).unref();
  return () => clearTimeout(timer);
}
