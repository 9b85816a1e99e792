/** Task: the files of a workspace → the compiled workspace, or what is wrong with it. */
import { compileWorkspace } from '../workspace/compile.ts';

export default compileWorkspace;
