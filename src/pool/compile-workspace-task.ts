/** Task: the files of a workspace → the compiled workspace, or what is wrong with it. */
import { type CompiledWorkspace, compileWorkspace } from '../workspace/compile.ts';

export interface CompileWorkspaceTask {
  readonly files: Readonly<Record<string, string>>;
  /** Room for the profile; undefined: nobody knows which partitions it is for. */
  readonly columnBits: number | undefined;
}

export default function compileTask({ files, columnBits }: CompileWorkspaceTask): CompiledWorkspace {
  return compileWorkspace(files, columnBits);
}
