// cli/doctor/finding.ts: what doctor says of one thing. Types only.

/** fault: understory does not work as it is; warning: something that some jobs need is not there. */
export type Health = 'ok' | 'warning' | 'fault';

export interface Finding {
  name: string;
  health: Health;
  /** what was found, in words */
  found: string;
  /** what to do; '' where nothing is to be done */
  remedy: string;
}

export const ok = (name: string, found: string): Finding => ({ name, health: 'ok', found, remedy: '' });
export const warning = (name: string, found: string, remedy: string): Finding => ({ name, health: 'warning', found, remedy });
export const fault = (name: string, found: string, remedy: string): Finding => ({ name, health: 'fault', found, remedy });
