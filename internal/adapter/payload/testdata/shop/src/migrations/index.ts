import * as migration_20240101_000000 from './20240101_000000';

export const migrations = [
  { up: migration_20240101_000000.up, down: migration_20240101_000000.down, name: '20240101_000000' },
];
