// The compiled model behind JSON lines: a question a line on stdin, an answer a line on stdout. See tests/oracle.
"use strict";
const code = require("fs").readFileSync(process.argv[2], "utf8");
const names = [...code.matchAll(/^let (_\d+_(\w+)_Compile) =/gm)];
const exported = names.map((m) => `${m[2]}: ${m[1]}`).join(", ");
const M = new Function("require", "process", `${code}\nreturn {_dafny, BigNumber, ${exported}};`)(require, process);
const { _dafny, BigNumber, Oracle, Trees } = M, model = Oracle.__default, trees = [];

// Which texts are keys is the costliest question, and the tests ask it of the same few again and again.
const isKey = M.Keys.__default.IsKey, known = new Map();
M.Keys.__default.IsKey = (seq) => {
  const name = seq.join();
  if (!known.has(name)) known.size < 10000 || known.clear(), known.set(name, isKey(seq));
  return known.get(name);
};

const text = (value) => (typeof value === "string" ? _dafny.Seq.from(value, (c) => c.codePointAt(0)) : _dafny.Seq.from(value));
const plain = (seq) => (seq.some((c) => c >= 0xd800 && c < 0xe000) ? [...seq] : String.fromCodePoint(...seq));
const bytes = (value) => _dafny.Seq.from(Buffer.from(value, "latin1"));
const latin = (seq) => Buffer.from([...seq]).toString("latin1");
const number = (value) => new BigNumber(value);
const option = (value, make) => (value == null ? Trees.Option.create_None() : Trees.Option.create_Some(make(value)));
const facts = (file) => ({ size: file.content.length, stamp: file.stamp.toNumber(), labels: plain(file.labels) });
// Where facts are asked for too, a listing shows [key, facts], without facts for a folder.
const listed = (q, t, r) => (keys) =>
  keys.map((key) => (q.facts ? [plain(key), plain(key).endsWith("/") ? null : facts(model.DoRead(t, r, key).value)] : plain(key)));
const error = (e) => e.toString().replace(/.*\./, "");
const answer = (result, show = () => null) =>
  result.is_Ok ? { value: show(result.value) } : { error: error(result.error), key: plain(result.key) };
// "now" is the version that stands there; 0 is none: stamps begin with 1.
const match = (q, t, r) => {
  if (q.if_match !== "now") return option(q.if_match, number);
  const found = model.DoRead(t, r, text(q.path));
  return Trees.Option.create_Some(found.is_Ok ? found.value.stamp : number(0));
};
const step = (q, s, show) => ((trees[q.tree] = s.tree), answer(s.result, show));

const operations = {
  new: (q) => ({ value: trees.push(model.New(q.hierarchical)) - 1 }),
  drop: (q) => ((trees[q.tree] = null), { value: null }),
  child: (q, t, r) => answer(model.Child(r, text(q.path)), plain),
  write: (q, t, r) =>
    step(q, model.DoWrite(t, r, text(q.path), bytes(q.content), text(q.labels), q.overwrite, match(q, t, r)), facts),
  read: (q, t, r) => answer(model.DoRead(t, r, text(q.path)), (f) => ({ content: latin(f.content), ...facts(f) })),
  read_range: (q, t, r) =>
    answer(model.DoReadRange(t, r, text(q.path), number(q.offset), option(q.length, number)), latin),
  delete: (q, t, r) => step(q, model.DoDelete(t, r, text(q.path), q.missing_ok, match(q, t, r))),
  delete_many: (q, t, r) => step(q, model.DoDeleteMany(t, r, _dafny.Seq.of(...q.paths.map(text)))),
  copy: (q, t, r) => step(q, model.DoCopyOrMove(t, r, text(q.source), text(q.target), q.overwrite, false)),
  move: (q, t, r) => step(q, model.DoCopyOrMove(t, r, text(q.source), text(q.target), q.overwrite, true)),
  delete_folder: (q, t, r) => step(q, model.DoDeleteFolder(t, r, text(q.path), q.recursive, q.missing_ok)),
  ask: (q, t, r) => answer(model.DoAsk(t, r, text(q.path)), ([file, folder]) => ({ file, folder })),
  folder_info: (q, t, r) =>
    answer(model.DoFolderInfo(t, r, text(q.path)), (i) => ({ file_count: i.count.toNumber(), total_size: i.size.toNumber(),
      newest: i.newest.is_Some ? i.newest.value.toNumber() : null })),
  list: (q, t, r) =>
    answer(model.DoList(t, r, text(q.path), Oracle.Kind[`create_${q.kind}`](), q.recursive, option(q.max_depth, number),
      option(q.pattern, text)), listed(q, t, r)),
  glob: (q, t, r) => answer(model.DoGlob(t, r, text(q.pattern)), listed(q, t, r)),
  mark: (q, t) => ((trees[q.tree] = model.DoMark(t, text(q.path))), { value: null }),
  dump: (q, t) => ({ value: { files: [...t.files].map(([key, file]) => [plain(key), latin(file.content), facts(file)]),
    folders: [...t.folders].map(plain) } }),
};

const reply = (q) => {
  try {
    return operations[q.op](q, trees[q.tree], text(q.root || ""));
  } catch (failure) {
    return { broken: String(failure.stack) };   // the driver raises it: never an answer of the model
  }
};

// Many questions on one line get their answers on one line.
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const q = JSON.parse(line);
  process.stdout.write(JSON.stringify(Array.isArray(q) ? q.map(reply) : reply(q)) + "\n");
});
