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
    masks: contents.masks && { ...contents.masks, ids: part(contents.masks.span) },
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

function release(clip) {
  for (const image of clip.frames) URL.revokeObjectURL(image.src);
}
