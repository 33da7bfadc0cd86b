// Opens the one message that Python sends per clip and checkpoint (see payload.py for the layout).

const headerLength = (message) => new DataView(message.buffer, message.byteOffset, 4).getUint32(0, true);

const header = (message) => JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + headerLength(message))));

function unpack(message) {
  const contents = header(message);
  const body = message.subarray(4 + headerLength(message));
  // The message is an unaligned view into a larger buffer; slice copies and thereby aligns.
  const part = ([offset, length]) => body.slice(offset, offset + length);
  return {
    ...contents,
    frames: contents.frames.map((span) => {
      const image = new Image();
      image.src = URL.createObjectURL(new Blob([part(span)], { type: "image/jpeg" }));
      return image;
    }),
    blocks: contents.blocks.map((block) => ({
      name: block.name,
      height: block.height,
      width: block.width,
      raw: dequantise(new Uint16Array(part(block.span).buffer), block.low, block.high),
      limits: block.limits,
      shown: {},
    })),
    masks: contents.masks && { ...contents.masks, ids: part(contents.masks.span) },
    palettes: Object.fromEntries(Object.entries(contents.palettes).map(([name, span]) => [name, part(span)])),
  };
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
