/**
 * Latencies in whole microseconds, counted in log-linear buckets as HdrHistogram does: 128 buckets to every power of two, so that a quantile is at most
 * 0.8 % above the true value whatever its size, and millions of values cost the same 26 KB. Our own, because hdr-histogram-js (3.0.1)
 * brings a WebAssembly loader and a compressor with it for what is forty lines.
 */
const LINEAR = 256;
const PER_OCTAVE = 128;
const FIRST_OCTAVE = 8;
/** Beyond 2^31 µs, 36 minutes, everything counts as that. */
const OCTAVES = 23;
const VALUE_MAX = 2 ** (FIRST_OCTAVE + OCTAVES) - 1;

export class Histogram {
  /** May be posted to another thread and given to `from` there. */
  readonly counts: Float64Array;

  private constructor(counts: Float64Array) {
    this.counts = counts;
  }

  static empty(): Histogram {
    return new Histogram(new Float64Array(LINEAR + OCTAVES * PER_OCTAVE));
  }

  static from(counts: Float64Array): Histogram {
    return new Histogram(counts);
  }

  /** Negative values (clocks of two processes read in the wrong order) count as 0. */
  record(valueUs: number): void {
    const value = Math.min(VALUE_MAX, Math.max(0, Math.round(valueUs)));
    (this.counts[bucketOf(value)] as number)++;
  }

  add(other: Histogram): void {
    for (let i = 0; i < this.counts.length; i++) (this.counts[i] as number) += other.counts[i] as number;
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The value that a share `quantile` of all values does not exceed; NaN of nothing. */
  quantileUs(quantile: number): number {
    const rank = Math.max(1, Math.ceil(this.total * quantile));
    let seen = 0;
    for (let i = 0; i < this.counts.length; i++) {
      seen += this.counts[i] as number;
      if (seen >= rank) return upperEdge(i);
    }
    return Number.NaN;
  }

  quantileMs(quantile: number): number {
    return this.quantileUs(quantile) / 1000;
  }
}

function bucketOf(value: number): number {
  if (value < LINEAR) return value;
  const octave = 31 - Math.clz32(value);
  const mantissa = value >>> (octave - 7);
  return LINEAR + (octave - FIRST_OCTAVE) * PER_OCTAVE + mantissa - PER_OCTAVE;
}

function upperEdge(bucket: number): number {
  if (bucket < LINEAR) return bucket;
  const octave = Math.floor((bucket - LINEAR) / PER_OCTAVE) + FIRST_OCTAVE;
  const mantissa = ((bucket - LINEAR) % PER_OCTAVE) + PER_OCTAVE;
  return (mantissa + 1) * 2 ** (octave - 7) - 1;
}
