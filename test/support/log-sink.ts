import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';

export type LogLevelName = 'log' | 'error' | 'warn' | 'debug' | 'verbose' | 'fatal';

export interface LogLine {
  readonly level: LogLevelName;
  readonly text: string;
}

/** A Nest logger that prints nothing and keeps every line of every level. */
export class LogSink implements LoggerService {
  readonly lines: LogLine[] = [];

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.#add('log', message, rest);
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.#add('error', message, rest);
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.#add('warn', message, rest);
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.#add('debug', message, rest);
  }

  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.#add('verbose', message, rest);
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.#add('fatal', message, rest);
  }

  /** Tells whether any line shows the secret, as it is or as a URL writes it. */
  contains(secret: string): boolean {
    const forms = [secret, encodeURIComponent(secret)];
    return this.lines.some(({ text }) => forms.some((form) => text.includes(form)));
  }

  /** The lines of one level that contain the text. */
  matching(level: LogLevelName, text: string): readonly LogLine[] {
    return this.lines.filter((line) => line.level === level && line.text.includes(text));
  }

  clear(): void {
    this.lines.length = 0;
  }

  #add(level: LogLevelName, message: unknown, rest: readonly unknown[]): void {
    const text = [message, ...rest]
      .map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 8 })))
      .join(' ');
    this.lines.push({ level, text });
  }
}
