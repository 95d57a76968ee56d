import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Warehouse } from "../warehouse/warehouse.js";

/** The server processes that work for a run's actions, so that they can be cancelled and nothing goes on behind our back. */
export class RunningBackends {
  private readonly pids = new Map<string, number>();
  /** Cancels that are on their way. */
  private readonly cancels: Promise<void>[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly warehouse: Warehouse) {}

  /** An action works on a backend from now on. */
  add(key: string, backendPid: number): void {
    this.pids.set(key, backendPid);
  }

  delete(key: string): void {
    this.pids.delete(key);
  }

  /** Cancels what runs, again and again: a backend that is between two statements has nothing to cancel yet. */
  cancel(): void {
    this.cancelOnce();
    this.timer ??= setInterval(() => this.cancelOnce(), 500);
  }

  /** Ends the cancelling. */
  stop(): void {
    clearInterval(this.timer);
  }

  /** A late cancel may reach the connection's next user: what history is to hold is written again then. */
  async uncancelled<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write();
      } catch (thrown) {
        const isCancelled = thrown instanceof WarehouseError && thrown.server.sqlState === "57014";
        if (!isCancelled || this.timer === undefined) throw thrown;
        await Promise.all(this.cancels.splice(0));
      }
    }
  }

  private cancelOnce(): void {
    for (const pid of this.pids.values()) {
      // A backend that is gone needs no cancelling; what it did is told by its own action.
      this.cancels.push(this.warehouse.cancel(pid).catch(() => undefined));
    }
  }
}
