export const BUDGETS: Record<string, number>;
export function sizeOf(entry: string): number;
