// Opens the one message that Python sends per clip and choice of models (payload.py and sides.py have its layout).

const headerLength = (message) => new DataView(message.buffer, message.byteOffset, 4).getUint32(0, true);

const header = (message) => JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + headerLength(message))));

function unpack(message) {
  const contents = header(message);
  const body = message.subarray(4 + headerLength(message));
  // The message is an unaligned view into a larger buffer; slice copies and thereby aligns.
  const part = ([offset, length]) => body.slice(offset, offset + length);
  const map = ({ span, low, high, ...rest }) =>
    ({ ...rest, low, high, raw: dequantise(new Uint16Array(part(span).buffer), low, high), shown: {} });
  const every = (group, open) => Object.fromEntries(Object.entries(group).map(([name, value]) => [name, open(value)]));
  const clip = {
    ...contents,
    frames: contents.frames.map((span) => {
      const image = new Image();
      image.src = URL.createObjectURL(new Blob([part(span)], { type: "image/jpeg" }));
      return image;
    }),
    masks: contents.masks && { ...contents.masks, ids: (frame) => unfold(part(contents.masks.spans[frame])) },
    outlines: new Map(),
    palettes: every(contents.palettes, part),
    signed_palette: part(contents.signed_palette),
  };
  if (!contents.sides) return { ...clip, blocks: contents.blocks.map(map) };
  const sides = contents.sides.map((side) => ({ ...side, maps: every(side.maps, (maps) => every(maps, map)) }));
  return { ...clip, sides, difference_palette: part(contents.difference_palette) };
}

function dequantise(codes, low, high) {
  const values = new Float32Array(codes.length);
  const step = (high - low) / 65535;
  for (let i = 0; i < codes.length; i += 1) values[i] = low + codes[i] * step;
  return values;
}

// Runs of equal values: lengths (uint16), then values; the values of a whole mask.
function unfold(runs) {
  const count = runs.length / 3;
  const lengths = new Uint16Array(runs.buffer, 0, count);
  const values = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  for (let i = 0, start = 0; i < count; start += lengths[i], i += 1) {
    values.fill(runs[2 * count + i], start, start + lengths[i]);
  }
  return values;
}

function release(clip) {
  for (const image of clip.frames) URL.revokeObjectURL(image.src);
}
