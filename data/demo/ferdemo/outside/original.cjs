// Faces and expressions as the package itself sees them. Frames arrive on standard input: width and height as 32-bit
// integers (little endian), then the pixels, RGB. A line of JSON leaves for each: the box, cut as the package cuts it,
// and the seven probabilities in the package's order; null where it finds no face.
const tf = require("@tensorflow/tfjs");
require("@tensorflow/tfjs-backend-wasm");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const path = require("path");

async function answer(width, height, pixels) {
  const image = tf.tensor3d(new Uint8Array(pixels), [height, width, 3], "int32");
  const found = await faceapi.detectSingleFace(image).withFaceExpressions();
  image.dispose();
  if (!found) return null;
  const { x, y, width: w, height: h } = found.detection.box.clipAtImageBorders(width, height);
  return { box: [x, y, w, h], probabilities: Object.values(found.expressions) };
}

async function main() {
  await tf.setBackend("wasm");
  const models = path.join(path.dirname(require.resolve("@vladmandic/face-api/package.json")), "model");
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(models);
  await faceapi.nets.faceExpressionNet.loadFromDisk(models);
  let waiting = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 8) {
      const [width, height] = [waiting.readUInt32LE(0), waiting.readUInt32LE(4)];
      const end = 8 + width * height * 3;
      if (waiting.length < end) break;
      console.log(JSON.stringify(await answer(width, height, waiting.subarray(8, end))));
      waiting = waiting.subarray(end);
    }
  }
}

main().catch((error) => { console.error(error); process.exit(1); });
