/** Background task: what new aggregates of one partition hold, from its history. */
import { type FillImages, type FillRequest, fillImages } from '../replay/fill/fill-images.ts';
import { backgroundTask } from './background-pool.ts';

export const FILL_IMAGES = backgroundTask<FillRequest, FillImages>('fill-images-task');

export default fillImages;
