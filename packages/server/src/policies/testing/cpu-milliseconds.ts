/** The processor time that some work takes here; unlike the clock's, it does not grow when other processes are busy. */
export function cpuMilliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
