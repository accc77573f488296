// A PouchDB beside ours: a server of the CouchDB protocol (express-pouchdb), and one that replicates.
//
// node peer.mjs serve PORT FOLDER     then reads lines: JSON records to store
// node peer.mjs client URL FOLDER     the same, and "sync" to replicate both ways
// Each answers a line when it is done: "ready", "stored N", "synced SECONDS N".
import express from "express";
import expressPouchdb from "express-pouchdb";
import PouchDB from "pouchdb";
import readline from "node:readline";

const [role, where, folder] = process.argv.slice(2);
const Local = PouchDB.defaults({ prefix: `${folder}/` });
const records = new Local("records");
let waiting = [];

async function flush() {
  const answers = await records.bulkDocs(waiting);
  const stored = answers.filter((answer) => answer.ok).length;
  waiting = [];
  console.log(`stored ${stored}`);
}

async function sync() {
  const began = process.hrtime.bigint();
  await records.sync(new PouchDB(where), { batch_size: 500 });
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(`synced ${seconds} ${(await records.info()).doc_count}`);
}

async function count() {
  console.log(`count ${(await records.info()).doc_count}`);
}

if (role === "serve") {
  const app = express();
  app.use("/", expressPouchdb(Local, { mode: "minimumForPouchDB", inMemoryConfig: true }));
  await new Promise((resolve) => app.listen(Number(where), "0.0.0.0", resolve));
}
await records.info();
console.log("ready");
const actions = { flush, sync, count };
for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line in actions) await actions[line]();
  else waiting.push(JSON.parse(line));
}
process.exit(0);
