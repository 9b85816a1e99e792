import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DataFolder,
  DataPaths,
  type FolderEnvironment,
  type FolderRequest,
  nodeFolderEnvironment,
  readIdentity,
  saltOf,
} from '../../../src/storage/data-folder.ts';
import { nodeProcessTable, type ProcessIdentity } from '../../../src/storage/data-folder-lock.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { RefusedFileError } from '../../../src/storage/storage-error.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';

const NOTHING_ASKED: FolderRequest = { partitions: null, clock: null, customersPerPartition: null };
const ASKED: FolderRequest = { partitions: 8, clock: 'event', customersPerPartition: 5000 };

/** A machine whose processes the test starts and ends. */
class Machine {
  readonly running = new Map<number, string>();
  boot = 'boot-1';
  nowMs = 1_000_000;

  process(pid: number, started: string, namespace = 'pid:[1]'): FolderEnvironment {
    if (namespace === 'pid:[1]') this.running.set(pid, started);
    return {
      processes: {
        self: (): ProcessIdentity => ({ pid, started, boot: this.boot, namespace }),
        started: (other) => this.running.get(other) ?? null,
        nowMs: () => this.nowMs,
      },
      randomId: () => 'b2c4',
      nowMs: () => this.nowMs,
    };
  }
}

function open(fs: FileSystem, environment: FolderEnvironment, request = NOTHING_ASKED): DataFolder {
  return DataFolder.open(fs, 'data', request, environment);
}

describe('identity of a data folder', () => {
  it('is fixed when the folder is created, from the flags or the defaults', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    const folder = open(fs, machine.process(10, 'a'), ASKED);
    expect(folder.identity).toEqual({
      format: 3,
      id: 'b2c4',
      created: '1970-01-01T00:16:40.000Z',
      partitions: 8,
      clock: 'event',
      customersPerPartition: 5000,
      log: 'embedded',
    });
    folder.close();
    expect(open(fs, machine.process(11, 'b')).identity).toEqual(folder.identity);
    expect(readIdentity(fs, 'data')).toEqual(folder.identity);
    expect(readIdentity(fs, 'nowhere')).toBe(null);
    const defaults = DataFolder.open(fs, 'other', NOTHING_ASKED, machine.process(12, 'c')).identity;
    expect([defaults.partitions, defaults.clock, defaults.customersPerPartition]).toEqual([16, 'wall', 1_000_000]);
  });

  it('is refused where a flag differs, naming both values and the way out', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    open(fs, machine.process(10, 'a'), ASKED).close();
    for (const [different, message] of [
      [
        { partitions: 16 },
        'data/beckon.json: the data was created with partitions 8, 16 is asked for now. Remedy: leave the flag out to go on with 8, or use a new data folder.',
      ],
      [{ log: 'nats 7f' }, 'the data belongs to another log (embedded), not to this one (nats 7f)'],
      [{ clock: 'wall' as const }, 'the data was created with clock event, wall is asked for now'],
      [{ customersPerPartition: 1 }, 'the data was created with customersPerPartition 5000, 1 is asked for now'],
    ] as const) {
      expect(() => open(fs, machine.process(10, 'a'), { ...ASKED, ...different })).toThrow(message);
    }
    // A refusal lets go of the folder.
    open(fs, machine.process(11, 'b'), ASKED).close();
  });

  it('is refused where it cannot be understood', () => {
    const machine = new Machine();
    const good =
      '{"format":3,"id":"x","created":"2026-01-01T00:00:00.000Z","partitions":4,"clock":"wall","customersPerPartition":10}';
    for (const [text, message] of [
      ['{"format":', 'it is not JSON'],
      ['[]', 'data folder of format undefined'],
      [good.replace('"format":3', '"format":1'), 'data folder of format 1, this program reads format 3'],
      [good.replace('"format":3', '"format":4'), 'data folder of format 4, this program reads format 3'],
      [good.replace('"partitions":4', '"partitions":"4"'), 'a field is missing or of the wrong type'],
      [good.replace('wall', 'sun'), 'a field is missing or of the wrong type'],
    ] as const) {
      const fs = new FaultyFileSystem(1);
      open(fs, machine.process(10, 'a')).close();
      fs.corrupt('data/beckon.json', () => new TextEncoder().encode(text));
      expect(() => open(fs, machine.process(10, 'a'))).toThrow(message);
    }
  });

  it('is not made anew for data that has lost it', () => {
    const fs = new FaultyFileSystem(1);
    fs.mkdir('data/wal/0');
    expect(() => open(fs, new Machine().process(10, 'a'))).toThrow(
      /beckon\.json: the file is missing, but there is data in wal\//,
    );
  });

  it('refuses numbers of partitions that cannot be', () => {
    for (const partitions of [0, 257, 1.5, Number.NaN]) {
      expect(() => open(new FaultyFileSystem(1), new Machine().process(10, 'a'), { ...ASKED, partitions })).toThrow(
        RefusedFileError,
      );
    }
  });

  it('survives a power cut at every step of being created', () => {
    for (let crashAt = 1; crashAt < 16; crashAt++) {
      for (let seed = 1; seed <= 5; seed++) {
        const fs = new FaultyFileSystem(seed);
        const machine = new Machine();
        fs.crashAt = crashAt;
        try {
          open(fs, machine.process(10, 'a'), ASKED);
        } catch {
          // The crash.
        }
        machine.running.delete(10);
        machine.boot = 'boot-2';
        fs.powerCut();
        expect(open(fs, machine.process(10, 'a'), ASKED).identity.partitions).toBe(8);
      }
    }
  });

  it('gives each folder its own salt', () => {
    expect(saltOf('a')).not.toBe(saltOf('b'));
    expect(new DataPaths('data').wal(3)).toBe('data/wal/3');
  });
});

describe('lock of a data folder', () => {
  it('keeps a second process out and names the first', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    const folder = open(fs, machine.process(10, 'a'));
    expect(() => open(fs, machine.process(11, 'b'))).toThrow(
      'data: this data folder is in use by process 10. Remedy: stop that process first, or use another data folder; a copy of its folder can be opened 20 seconds after it was made.',
    );
    expect(() => open(fs, machine.process(10, 'a'))).toThrow(/in use by process 10/);
    folder.close();
    folder.close();
    open(fs, machine.process(11, 'b'));
    expect(fs.readdir('data')).toEqual(['beckon.json', 'lock.1']);
  });

  it('is free again after a SIGKILL, also when the pid was given to another process', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    open(fs, machine.process(10, 'a'));
    machine.running.delete(10);
    const second = open(fs, machine.process(11, 'b'));
    machine.running.delete(11);
    machine.running.set(11, 'later');
    const third = open(fs, machine.process(12, 'c'));
    expect(fs.readdir('data')).toEqual(['beckon.json', 'lock.3']);
    // Whoever lost the lock long ago cannot take it from its holder by ending late.
    second.close();
    expect(() => open(fs, machine.process(13, 'd'))).toThrow(/in use by process 12/);
    third.close();
  });

  it('is free after the machine was started anew', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    open(fs, machine.process(1, 'a'));
    machine.boot = 'boot-2';
    open(fs, machine.process(1, 'a'));
  });

  it('goes by the heartbeat for a process of another container', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    const folder = open(fs, machine.process(1, 'a', 'pid:[7]'));
    fs.modifiedMs = machine.nowMs;
    machine.nowMs += 10_000;
    expect(() => open(fs, machine.process(1, 'b', 'pid:[8]'))).toThrow(/in use by process 1 of another container/);
    fs.journal.length = 0;
    folder.heartbeat();
    expect(fs.journal).toEqual(['write data/lock.1']);
    machine.nowMs += 10_001;
    open(fs, machine.process(1, 'b', 'pid:[8]'));
  });

  it('holds for the folder that was taken, not for copies of it', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    const folder = open(fs, machine.process(10, 'a'));
    fs.modifiedMs = machine.nowMs;
    const copy = fs.clone();
    copy.modifiedMs = machine.nowMs;
    // It may be a folder whose files change their numbers.
    expect(() => open(copy, machine.process(11, 'b'))).toThrow(/in use by process 10/);
    machine.nowMs += 20_000;
    // Its holder was stopped, and goes on.
    expect(() => open(fs, machine.process(11, 'b'))).toThrow(/in use by process 10/);
    open(copy, machine.process(11, 'b'));
    expect(copy.readdir('data')).toEqual(['beckon.json', 'lock.2']);
    folder.heartbeat();
    expect(() => open(fs, machine.process(12, 'c'))).toThrow(/in use by process 10/);
  });

  it('is free if its file was cut short', () => {
    const fs = new FaultyFileSystem(1);
    const machine = new Machine();
    open(fs, machine.process(10, 'a'));
    fs.corrupt('data/lock.1', (bytes) => bytes.slice(0, 5));
    open(fs, machine.process(11, 'b'));
  });

  it('goes to one of two that find the same dead holder, whatever the order of their steps', () => {
    const machine = new Machine();
    for (let at = 0; at < 40; at++) {
      const fs = new FaultyFileSystem(1);
      open(fs, machine.process(10, 'a'));
      machine.running.delete(10);
      let other: DataFolder | null = null;
      let calls = 0;
      // The second process runs as a whole just before the at-th step of the first.
      const interleaved = new Proxy<FileSystem>(fs, {
        get: (target, key: keyof FileSystem) => {
          if (calls++ === at && other === null) other = tryOpen(target, machine.process(12, 'c'));
          return target[key].bind(target);
        },
      });
      const first = tryOpen(interleaved, machine.process(11, 'b'));
      expect([first, other].filter((each) => each !== null).length, `step ${at}`).toBe(1);
    }
  });
});

function tryOpen(fs: FileSystem, environment: FolderEnvironment): DataFolder | null {
  try {
    return open(fs, environment);
  } catch (error) {
    if (error instanceof RefusedFileError) return null;
    throw error;
  }
}

describe('on the real file system', () => {
  let root = '';
  const children: ChildProcess[] = [];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'beckon-folder-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(root, { recursive: true });
  });

  it('keeps another process out until it is killed', async () => {
    const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const pid = child.pid as number;
    const holder = { ...nodeProcessTable.self(), pid, started: nodeProcessTable.started(pid) };
    expect(holder.started).not.toBe(null);
    writeFileSync(join(root, 'lock.1'), JSON.stringify(holder));
    expect(() => DataFolder.open(nodeFileSystem, root, NOTHING_ASKED)).toThrow(`in use by process ${pid}.`);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const folder = DataFolder.open(nodeFileSystem, root, NOTHING_ASKED);
    expect(readdirSync(root).sort()).toEqual(['beckon.json', 'lock.2']);
    expect(() => DataFolder.open(nodeFileSystem, root, NOTHING_ASKED)).toThrow(`in use by process ${process.pid}.`);
    folder.heartbeat();
    folder.close();
    expect(readdirSync(root)).toEqual(['beckon.json']);
  });

  it('lets a copy be opened while its original is held', () => {
    const original = join(root, 'original');
    const copy = join(root, 'copy');
    const folder = DataFolder.open(nodeFileSystem, original, NOTHING_ASKED);
    cpSync(original, copy, { recursive: true });
    for (const held of [original, copy]) utimesSync(join(held, 'lock.1'), 1, 1);
    expect(() => DataFolder.open(nodeFileSystem, original, NOTHING_ASKED)).toThrow(`in use by process ${process.pid}.`);
    DataFolder.open(nodeFileSystem, copy, NOTHING_ASKED).close();
    folder.close();
  });

  it('shows its heartbeat in the time of the file', () => {
    const folder = DataFolder.open(nodeFileSystem, root, NOTHING_ASKED, nodeFolderEnvironment);
    utimesSync(join(root, 'lock.1'), 1, 1);
    folder.heartbeat();
    expect(nodeFileSystem.stat(join(root, 'lock.1'))?.modifiedMs).toBeGreaterThan(1_600_000_000_000);
    folder.close();
  });
});

describe('the table of processes', () => {
  it('takes a killed process that its parent has not collected for gone', async () => {
    // The shell becomes a sleep, which never collects the child that it inherited.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const pid = await new Promise<number>((resolve) =>
        parent.stdout.once('data', (text: Buffer) => resolve(Number(text.toString()))),
      );
      expect(nodeProcessTable.started(process.pid)).not.toBeNull();
      await expect.poll(() => nodeProcessTable.started(pid)).toBeNull();
      expect(readdirSync(`/proc/${pid}`)).toContain('stat');
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
