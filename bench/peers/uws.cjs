// uWebSockets.js with its own publish and subscribe. The native binary is named itself, since the package would
// otherwise fall back to plain JavaScript without failing.
const uws = require(
  `@trufflesuite/uws-js-unofficial/binaries/uws_${process.platform}_${process.arch}_${process.versions.modules}.node`,
);
const { PORT, MODE } = process.env;
const compress = process.env.COMPRESSION === '1';

const app = uws.App();
app
  .ws('/*', {
    compression: compress ? uws.SHARED_COMPRESSOR : uws.DISABLED,
    maxBackpressure: 64 << 20,
    maxPayloadLength: 16 << 20,
    open(socket) {
      if (MODE === 'fanout') socket.subscribe('all');
    },
    message(socket, data, isBinary) {
      if (MODE === 'echo') socket.send(data, isBinary, compress);
      else app.publish('all', data, isBinary, compress);
    },
  })
  .listen('127.0.0.1', Number(PORT), (listening) => {
    if (listening) console.log(`ready ws://127.0.0.1:${PORT}`);
    else process.exit(1);
  });
