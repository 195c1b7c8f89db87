// Uploads files with tus-js-client, as the test says on stdin; tells what happened as JSON lines.
import { createReadStream, readFileSync } from 'node:fs';
import * as tus from 'tus-js-client';

const asked = JSON.parse(readFileSync(0, 'utf8'));
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');

const upload = new tus.Upload(createReadStream(asked.file), {
  endpoint: asked.endpoint,
  headers: { Authorization: `Bearer ${asked.token}`, ...asked.headers },
  metadata: asked.metadata,
  chunkSize: asked.chunkSize ?? Infinity,
  parallelUploads: asked.parallel ?? 1,
  uploadDataDuringCreation: asked.during ?? false,
  retryDelays: Array.from({ length: asked.retries ?? 0 }, () => 10),
  urlStorage: asked.remember ? new tus.FileUrlStorage(asked.remember) : undefined,
  storeFingerprintForResuming: Boolean(asked.remember),
  removeFingerprintOnSuccess: true,
  onProgress: (sent, total) => {
    if (asked.leaveAt !== undefined && sent >= asked.leaveAt) {
      tell('left', { sent, total });
      process.exit(0);
    }
  },
  onShouldRetry: error => {
    tell('again', { status: error.originalResponse?.getStatus() ?? null });
    return true;
  },
  onError: error => {
    tell('failed', { status: error.originalResponse?.getStatus() ?? null, why: String(error) });
    process.exit(0);
  },
  onSuccess: () => {
    tell('done', { url: upload.url });
    process.exit(0);
  }
});

const earlier = asked.remember ? await upload.findPreviousUploads() : [];
tell('begins', { earlier: earlier.length });
if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
upload.start();
