import { AquiferError, exitCodes } from "./errors.js";

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds of a duration as people write it.
 *
 * @throws AquiferError `bad-duration`
 * @example parseDuration("1m30s") // 90000
 */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/\s*(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)(?![a-z])/gy)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (parts.length === 0 || length !== text.trim().length) {
    throw new AquiferError(`"${text}" is not a duration`, {
      code: "bad-duration",
      exitCode: exitCodes.usage,
      hint: "Write a number and a unit: 500ms, 30s, 10m, 2h, 1m30s.",
    });
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? 0), 0);
}
