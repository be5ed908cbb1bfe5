/**
 * The bytes of an ONNX model with one operator on f32; ONNX Runtime runs only whole models. Source: the field numbers
 * of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), in protobuf's wire format.
 */
const float = 1;

/**
 * @param {"Add" | "MatMul"} operator
 * @param {string[]} shape The shape of both inputs and of the output, as names of dimensions, which get their sizes in
 *   the run.
 */
export function onnxModel(operator, shape) {
  const node = [...field(1, "a"), ...field(1, "b"), ...field(2, "c"), ...field(4, operator)];
  const dimensions = shape.flatMap((name) => field(1, field(2, name)));
  const type = field(1, [...number(1, float), ...field(2, dimensions)]);
  /** @param {string} name */
  const value = (name) => [...field(1, name), ...field(2, type)];
  const graph = [
    ...field(1, node),
    ...field(2, operator),
    ...field(11, value("a")),
    ...field(11, value("b")),
    ...field(12, value("c")),
  ];
  // IR version 8, operators of version 17.
  return Uint8Array.from([...number(1, 8), ...field(7, graph), ...field(8, number(2, 17))]);
}

/**
 * @param {number} id
 * @param {string | number[]} content
 */
function field(id, content) {
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [...variableLength((id << 3) | 2), ...variableLength(bytes.length), ...bytes];
}

/**
 * @param {number} id
 * @param {number} value
 */
function number(id, value) {
  return [...variableLength(id << 3), ...variableLength(value)];
}

/** @param {number} value */
function variableLength(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}
