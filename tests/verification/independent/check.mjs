// A second checker of proof bundles, written from docs/proof-format.md alone: another language, another trie, another
// keccak than registry/verification has. The events, their numbers and the currencies are read from the contract's own
// source. Who the holder is comes from the contract's word, not from a fold.
//
//   node check.mjs FILE     checks one bundle, exits with 0 or 1
//   node check.mjs          reads a path a line, or {"path": …, "blockHash": …}, answers {"ok": …, "why": …} a line

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { createMPT } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { bytesToHex, concat, encodeAbiParameters, hexToBytes, keccak256, numberToHex, pad, stringToBytes } from "viem";

const FORMAT = "counterfoil/proof/1";
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const ENTRIES_MAX = 100_000;
const NODES_MAX = 4096;
const NODE_BYTES_MAX = 1024;
const HEADER_BYTES_MAX = 8192;
const STATED_MAX = 32;
const TEXT_CHARACTERS_MAX = 100_000;
const DEPTH_MAX = 8;
const UINT48_MAX = 2 ** 48 - 1;
const UINT64_MAX = 2n ** 64n - 1n;
const DAY_SECONDS = 86_400;
const ATTACHMENTS_MAX = 20;

const STATUS = { REGISTERED: 1, CONFIRMED: 2, REFUSED: 3, WITHDRAWN: 4, LAPSED: 5, SETTLED: 6, CLOSED: 7 };
const MEMBER_STATUS = ["none", "active", "suspended"];
const SLOT = { records: 1n, certificates: 2n, members: 3n, fingerprints: 4n, liens: 15n, recourses: 16n, claims: 17n };

const DOCUMENT_FIELDS = [
  "schema", "file_sha256", "format", "number", "number_normalised", "type_code", "issue_date", "due_date", "currency",
  "payable", "tax_inclusive", "prepaid", "seller_name", "seller_identity", "seller_country", "buyer_name",
  "buyer_identity", "buyer_country", "payee_name", "order_reference", "delivery_date", "payment_terms",
  "preceding_invoices",
];

/** Why a bundle is refused. Any other error is a fault of this program and ends it. */
class Refused extends Error {}

function demand(condition, why) {
  if (!condition) throw new Refused(why);
}

/** What a library says of hostile bytes, as a refusal. */
async function orRefuse(why, work) {
  try {
    return await work();
  } catch (error) {
    throw new Refused(`${why}: ${error.message}`);
  }
}

// ---- what the contract's source declares

const CONTRACTS = new URL("../../../contracts/", import.meta.url);
const source = (path) => readFileSync(new URL(path, CONTRACTS), "utf8");
const NOT_DETAILS = ["receivableId", "start", "end", "face", "at"];

/** Name of each event of a receivable's journal -> its number, and its arguments but for the receivable's id. */
const OPERATIONS = (() => {
  const numbers = new Map();
  for (const [, name, number] of source("libraries/Journal.sol").matchAll(/uint8 internal constant (\w+) = (\d+);/g)) {
    numbers.set(name.replaceAll("_", ""), Number(number));
  }
  const operations = new Map();
  for (const [, name, list] of source("interfaces/IReceivables.sol").matchAll(/event (\w+)\(([^)]*)\)/g)) {
    const [first, ...others] = list.split(",").map((text) => {
      const words = text.trim().split(/\s+/);
      return { type: words[0], name: words.at(-1) };
    });
    const number = numbers.get(name.toUpperCase());
    if (number !== undefined && first.name === "receivableId") operations.set(name, { number, arguments: others });
  }
  return operations;
})();

/** ISO 4217 number of three digits -> code and decimals. */
const CURRENCIES = (() => {
  const decimals = { NO_DECIMALS: 0, TWO_DECIMALS: 2, THREE_DECIMALS: 3, FOUR_DECIMALS: 4 };
  const currencies = new Map();
  for (const [, list, text] of source("libraries/Currencies.sol").matchAll(/constant (\w+_DECIMALS) = ([^;]*);/g)) {
    for (const [, code, number] of text.replace(/[^A-Z0-9]/g, "").matchAll(/([A-Z]{3})(\d{3})/g)) {
      currencies.set(number, { code, decimals: decimals[list] });
    }
  }
  return currencies;
})();

// ---- the file: canonical form, names, types

/** Canonical JSON of a value; refuses what no bundle has. */
function canonical(value, depth = 1) {
  demand(depth <= DEPTH_MAX + 1, "it is nested too deep");
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${canonical(name)}:${canonical(value[name], depth + 1)}`).join(",")}}`;
  }
  if (typeof value === "string") requireText(value, "a text");
  return JSON.stringify(value);
}

function parse(bytes) {
  demand(bytes.length <= FILE_BYTES_MAX, "the file is too large");
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new Refused(`it is not JSON in UTF-8: ${error.message}`);
  }
  demand(Buffer.from(`${canonical(value)}\n`).equals(bytes), "it is not in canonical form");
  return value;
}

function requireNames(value, names, what) {
  demand(value !== null && typeof value === "object" && !Array.isArray(value), `${what} is not an object`);
  const found = Object.keys(value).sort().join();
  demand(found === [...names].sort().join(), `${what} has the names ${found}`);
}

function requireList(value, max, what) {
  demand(Array.isArray(value) && value.length <= max, `${what} is not a list of at most ${max}`);
  return value;
}

function requireText(value, what) {
  demand(typeof value === "string" && value.isWellFormed(), `${what} is not a text in Unicode`);
  demand(value.length <= TEXT_CHARACTERS_MAX || [...value].length <= TEXT_CHARACTERS_MAX, `${what} is too long`);
  return value;
}

function requireHex(value, what, { min, max }) {
  demand(typeof value === "string" && /^0x(?:[0-9a-f]{2})*$/.test(value), `${what} is not hex`);
  const length = value.length / 2 - 1;
  demand(length >= min && length <= max, `${what} has ${length} bytes`);
  return value;
}

const requireHash = (value, what) => requireHex(value, what, { min: 32, max: 32 });
const requireAddress = (value, what) => requireHex(value, what, { min: 20, max: 20 });

function requireNumber(value, what, max = UINT48_MAX) {
  demand(Number.isInteger(value) && value >= 0 && value <= max, `${what} is not a number up to ${max}`);
  return value;
}

function requireDecimal(value, what, max = UINT64_MAX) {
  demand(typeof value === "string" && /^(?:0|[1-9][0-9]{0,77})$/.test(value), `${what} is not a decimal text`);
  demand(BigInt(value) <= max, `${what} is too large`);
  return BigInt(value);
}

/** An argument of an event as viem takes it. */
function readArgument(type, value, what) {
  if (type === "address") return requireAddress(value, what);
  if (type === "bytes32") return requireHash(value, what);
  const bits = Number(type.slice("uint".length));
  if (bits > 48) return requireDecimal(value, what, 2n ** BigInt(bits) - 1n);
  return requireNumber(value, what, 2 ** bits - 1);
}

function readCertificate(text) {
  const match = /^R-([1-9][0-9]{0,18})\/(0|[1-9][0-9]{0,19})-([1-9][0-9]{0,19})$/.exec(requireText(text, "certificate"));
  demand(match !== null, "certificate is not an identifier");
  const [receivable, start, end] = match.slice(1).map(BigInt);
  demand(receivable < 2n ** 63n && start < end && end <= UINT64_MAX, "certificate is not a range");
  return { receivable, start, end };
}

// ---- entries

/** An entry with its number, time, range, the hash of its details, and its arguments by name unless it is sealed. */
function readEntry(entry, place) {
  const what = `entry ${place}`;
  return Array.isArray(entry) ? readOpenEntry(entry, what) : readSealedEntry(entry, what);
}

function readOpenEntry([name, ...values], what) {
  const operation = OPERATIONS.get(name);
  demand(operation !== undefined, `${what} is no operation of a receivable`);
  demand(values.length === operation.arguments.length, `${what} has ${values.length} arguments`);
  const given = {};
  operation.arguments.forEach(({ type, name: argument }, index) => {
    given[argument] = readArgument(type, values[index], `${what}, ${argument}`);
  });
  const details = operation.arguments.filter(({ name: argument }) => !NOT_DETAILS.includes(argument));
  return {
    name,
    given,
    isWhole: given.start === undefined,
    number: operation.number,
    at: given.at,
    start: given.start ?? 0n,
    end: given.end ?? given.face,
    details: keccak256(encodeAbiParameters(details, details.map(({ name: argument }) => given[argument]))),
  };
}

function readSealedEntry(entry, what) {
  requireNames(entry, ["at", "details", "operation", "range"], what);
  const operation = OPERATIONS.get(entry.operation);
  demand(operation !== undefined, `${what} is no operation of a receivable`);
  demand(Array.isArray(entry.range) && entry.range.length === 2, `${what} has no range`);
  const [start, end] = entry.range.map((bound) => requireDecimal(bound, `${what}, range`));
  return {
    name: entry.operation,
    given: null,
    isWhole: operation.arguments.every(({ name }) => name !== "start"),
    number: operation.number,
    at: requireNumber(entry.at, `${what}, at`, 2 ** 40 - 1),
    start,
    end,
    details: requireHash(entry.details, `${what}, details`),
  };
}

const words = (...values) => encodeAbiParameters(values.map(() => ({ type: "uint256" })), values.map(BigInt));

function headOf(entries, { chainId, contract, receivable }) {
  const tag = pad(bytesToHex(stringToBytes("counterfoil/1")), { dir: "right", size: 32 });
  let head = keccak256(concat([tag, words(chainId, contract, receivable)]));
  for (const { number, at, start, end, details } of entries) {
    const entry = keccak256(words(number, at, start, end, details));
    head = keccak256(concat([head, entry]));
  }
  return head;
}

/** The open entries that bear on the range, oldest first. Refuses where one that must be open is sealed. */
function entriesAbout(entries, range) {
  const ranges = [range];
  const about = [];
  for (const [index, entry] of [...entries.entries()].toReversed()) {
    const isFront = entry.name === "CreditNoted" || entry.name === "Disputed";
    const isNear = ranges.some(({ start, end }) => entry.start < end && start < entry.end);
    if (!entry.isWhole && !isFront && !isNear) continue;
    demand(entry.given !== null, `a sealed ${entry.name} must be open`);
    const isKnown = entry.isWhole || ranges.some(({ start, end }) => start <= entry.start && entry.end <= end);
    if (!isKnown) ranges.push(entry);
    if (entry.name === "Resolved") ranges.push(firstLeft(entries.slice(0, index)));
    about.push(entry);
  }
  return about.reverse();
}

/** The first minor unit that is not credited when a dispute ends: its holder has to agree. */
function firstLeft(before) {
  const front = before.findLast(({ name }) => name === "CreditNoted" || name === "Disputed");
  demand(front?.given, "a dispute ends that nobody showed");
  const start = front.name === "CreditNoted" ? front.start + front.given.amount : front.start;
  return { start, end: start + 1n };
}

// ---- header and proofs

async function readHeader(header) {
  const bytes = hexToBytes(requireHex(header, "header", { min: 1, max: HEADER_BYTES_MAX }));
  const fields = await orRefuse("the header is no RLP", () => RLP.decode(bytes));
  const isFlat = Array.isArray(fields) && fields.length >= 15 && fields.every((field) => field instanceof Uint8Array);
  demand(isFlat, "the header is no list of 15 fields or more");
  demand(bytesToHex(RLP.encode(fields)) === header, "the header is not in canonical RLP");
  demand(fields[3].length === 32, "the header has no state root");
  const [number, time] = [fields[8], fields[11]].map((field) => {
    demand(field.length <= 6 && field[0] !== 0, "number or time of the header are out of range");
    return Number(toInteger(field));
  });
  return { hash: keccak256(bytes), stateRoot: fields[3], number, time };
}

const toInteger = (bytes) => (bytes.length === 0 ? 0n : BigInt(bytesToHex(bytes)));

/** The nodes by hash, as the trie library wants a database; it remembers in which order they were first asked for. */
class NodePool {
  constructor(nodes) {
    requireList(nodes, NODES_MAX, "nodes");
    this.nodes = new Map();
    this.used = new Set();
    for (const node of nodes) {
      const bytes = hexToBytes(requireHex(node, "a node", { min: 1, max: NODE_BYTES_MAX }));
      this.nodes.set(keccak256(bytes).slice(2), bytes);
    }
    demand(this.nodes.size === nodes.length, "a node is there twice");
  }

  async get(hash) {
    const node = this.nodes.get(hash);
    if (node !== undefined) this.used.add(hash);
    return node;
  }

  async open() {}

  shallowCopy() {
    return this;
  }

  requireUsedInOrder() {
    demand(this.used.size === this.nodes.size, `${this.nodes.size - this.used.size} nodes prove nothing`);
    demand([...this.used].join() === [...this.nodes.keys()].join(), "the nodes are not in the order of their use");
  }
}

async function lookUp(pool, root, key, what) {
  return orRefuse(`${what} is not proven`, async () => {
    const trie = await createMPT({ db: pool, root, useKeyHashing: true, valueEncoding: "view", cacheSize: 0 });
    return trie.get(hexToBytes(key), true);
  });
}

async function readAccount(pool, stateRoot, contract) {
  const value = await lookUp(pool, stateRoot, contract, "the account");
  demand(value !== null, "there is no such contract");
  const account = await orRefuse("the account is no RLP", () => RLP.decode(value));
  demand(Array.isArray(account) && account.length === 4 && account[2].length === 32, "the account is malformed");
  return { storageRoot: account[2], codeHash: account[3] };
}

async function readStorage(pool, storageRoot, place, what) {
  const value = await lookUp(pool, storageRoot, pad(numberToHex(place), { size: 32 }), what);
  if (value === null) return 0n;
  const bytes = await orRefuse(`${what} is no RLP`, () => RLP.decode(value));
  // Anvil keeps a word that was set to zero as a leaf of the empty text; Ethereum's own clients have no such leaf.
  demand(bytes instanceof Uint8Array && bytes.length <= 32 && bytes[0] !== 0, `${what} is malformed`);
  return toInteger(bytes);
}

const mapped = (key, slot) => BigInt(keccak256(words(key, slot)));

/** The contract's words about a certificate, in the order of the specification. */
async function readWords(pool, storageRoot, { receivable, start }, registered) {
  const read = (place, what) => readStorage(pool, storageRoot, place, what);
  const record = mapped(receivable, SLOT.records);
  const id = (receivable << 64n) | start;

  const terms = unpackTerms(await read(record, "the terms"));
  const head = pad(numberToHex(await read(record + 1n, "the head")), { size: 32 });
  const amounts = unpackAmounts(await read(record + 2n, "the amounts"));
  await read(record + 3n, "what was claimed");
  const registryHead = pad(numberToHex(await read(mapped(0n, SLOT.records) + 1n, "the head of R-0")), { size: 32 });
  const certificate = unpackCertificate(await read(mapped(id, SLOT.certificates), "the certificate"));
  const debtor = unpackMember(await read(mapped(registered.debtor, SLOT.members), "the debtor"));
  const holder = certificate.holder && unpackMember(await read(mapped(certificate.holder, SLOT.members), "the holder"));
  const claimKey = keccak256(words(registered.fingerprint, registered.debtor, registered.originator));
  const claimant = await read(mapped(claimKey, SLOT.fingerprints), "the fingerprint");
  const lien = certificate.pledged && unpackRight(await read(mapped(id, SLOT.liens), "the lien"));
  const recourse = certificate.recourse && unpackRight(await read(mapped(id, SLOT.recourses), "the recourse"));
  const claimed = certificate.claimed ? unpackRight(await read(mapped(id, SLOT.claims), "the claimed")).amount : 0n;
  return { terms, head, amounts, registryHead, certificate, debtor, holder, claimant, lien, recourse, claimed };
}

// ---- words, as contracts/libraries/Words.sol and Amounts.sol pack them

const bits = (word, from, count) => (word >> BigInt(from)) & ((1n << BigInt(count)) - 1n);
const flag = (word, bit) => bits(word, bit, 1) === 1n;

function addressOf(word) {
  const address = bits(word, 0, 160);
  return address === 0n ? null : pad(numberToHex(address), { size: 20 });
}

const unpackTerms = (word) => ({
  debtor: addressOf(word),
  face: bits(word, 160, 64),
  due: Number(bits(word, 224, 16)) * DAY_SECONDS,
  currency: bits(word, 240, 10),
  status: Number(bits(word, 250, 3)),
  frozen: flag(word, 253),
});

const unpackAmounts = (word) => ({
  paid: bits(word, 0, 64),
  cancelled: bits(word, 64, 64),
  senior: bits(word, 128, 64),
  disputed: flag(word, 192),
});

const unpackCertificate = (word) => ({
  holder: addressOf(word),
  end: bits(word, 160, 64),
  frozen: flag(word, 225),
  pledged: flag(word, 227),
  recourse: flag(word, 228),
  claimed: flag(word, 229),
});

const unpackMember = (word) => ({
  status: MEMBER_STATUS[Number(bits(word, 136, 8))] ?? String(bits(word, 136, 8)),
  kycExpiry: Number(bits(word, 64, 40)),
  frozen: flag(word, 144),
  dishonoured: Number(bits(word, 145, 32)),
});

const unpackRight = (word) => ({ account: addressOf(word), amount: bits(word, 160, 64), demanded: flag(word, 224) });

// ---- what no word says: which ranges there were, the orders on them, what went out on one that is no more

/** Follows ranges, not holders. A certificate is its orders (-> expiry), what was paid out on it, and if it is live. */
class History {
  constructor(entries) {
    this.orders = new Map();
    this.certificates = new Map();
    this.isClosed = false;
    for (const { name, given } of entries) this.#step(name, given);
  }

  at({ start, end }) {
    return this.certificates.get(`${start}-${end}`);
  }

  #add(start, end, { orders = new Map(), claimed = 0n } = {}) {
    this.certificates.set(`${start}-${end}`, { start, end, orders: new Map(orders), claimed, isLive: true });
  }

  #live({ start, end }) {
    const certificate = this.at({ start, end });
    demand(certificate?.isLive, `an entry is about ${start}-${end}, which is no certificate then`);
    return certificate;
  }

  #end(range) {
    const certificate = this.#live(range);
    certificate.isLive = false;
    return certificate;
  }

  /** What lies on a certificate is divided by length: the front's share is rounded down. */
  #divide(range, cut, { keepsOrders }) {
    const { start, end, orders, claimed } = this.#end(range);
    const front = (claimed * (cut - start)) / (end - start);
    const kept = keepsOrders ? orders : new Map();
    this.#add(start, cut, { orders: kept, claimed: front });
    this.#add(cut, end, { orders: kept, claimed: claimed - front });
  }

  #step(name, given) {
    const { start, end, cut } = given;
    switch (name) {
      case "Confirmed":
      case "OfferAccepted":
        return this.#add(0n, given.face);
      case "Split":
        return this.#divide(given, cut, { keepsOrders: false });
      case "Sold":
        return cut === start ? this.#live(given) : this.#divide(given, cut, { keepsOrders: false });
      case "Partitioned":
        return this.#divide(given, cut, { keepsOrders: true });
      case "Disputed":
        return cut === end ? this.#live(given) : this.#divide(given, cut, { keepsOrders: false });
      case "Merged":
        this.#end({ start, end: cut });
        this.#end({ start: cut, end });
        return this.#add(start, end);
      case "CreditNoted":
        this.#end(given);
        return start + given.amount === end ? null : this.#add(start + given.amount, end);
      case "Redeemed":
        return this.#redeem(given);
      case "Closed":
        this.isClosed = true;
        return null;
      case "CertificateFrozen":
        return this.#live(given).orders.set(given.order, given.expiry);
      case "CertificateUnfrozen":
      case "ForcedTransfer":
        return this.#live(given).orders.delete(given.order);
      case "ReceivableFrozen":
        return this.orders.set(given.order, given.expiry);
      case "ReceivableUnfrozen":
        return this.orders.delete(given.order);
      default:
        return start === undefined ? null : this.#live(given);
    }
  }

  /** Once closed it depends on a right of recourse whether it goes: that is the word's to say. */
  #redeem(given) {
    const certificate = this.#live(given);
    certificate.claimed += given.amount;
    certificate.isLive = certificate.claimed !== given.end - given.start;
    certificate.mayBeOver = this.isClosed;
  }
}

// ---- what must be stated

function statement({ range, entries, history, read, time }) {
  const { terms, amounts, certificate } = read;
  const registered = entries[0].given;
  const past = history.at(range);
  const isHeld = certificate.holder !== null && certificate.end === range.end;
  requireAgreement({ range, entries, history, read, past, isHeld, time });
  return {
    amount: money(range.end - range.start, terms.currency),
    confirmation: confirmation(entries),
    debtor: terms.debtor,
    debtor_standing: {
      status: standing(read.debtor, time),
      frozen: read.debtor.frozen,
      dishonoured: read.debtor.dishonoured,
    },
    due: terms.due,
    encumbrances: encumbrances({ range, history, read, past, isHeld, time }),
    holder: isHeld ? certificate.holder : null,
    history: { entries: entries.length, head: read.head },
    originator: registered.originator,
    paid: { certificate: String(isHeld ? read.claimed : (past?.claimed ?? 0n)), receivable: String(amounts.paid) },
    phase: phase(terms, amounts, time),
    registration: { fingerprint: registered.fingerprint, only: read.claimant === range.receivable },
    registry_head: read.registryHead,
  };
}

/** Where both the words and the entries tell something, they must tell the same. */
function requireAgreement({ range, entries, history, read, past, isHeld, time }) {
  const { terms } = read;
  const registered = entries[0].given;
  const accepted = entries.find(({ name }) => name === "OfferAccepted")?.given ?? registered;
  demand(terms.debtor === registered.debtor && terms.currency === BigInt(registered.currency), "the terms are others");
  demand(terms.face === accepted.face && terms.due === accepted.due, "the face or the due day is another");
  demand(past !== undefined, "there never was such a certificate");
  demand(isHeld ? past?.isLive : !past?.isLive || past.mayBeOver, "word and entries disagree whether it is one");
  if (!isHeld) return;
  demand(read.claimed === past.claimed, "word and entries disagree about what was paid out");
  const isFrozen = (orders) => inForce(orders, time).length > 0;
  demand(!isFrozen(past.orders) || read.certificate.frozen, "an order does not show in the certificate's word");
  demand(!isFrozen(history.orders) || terms.frozen, "an order does not show in the terms");
}

function money(minor, number) {
  const { code, decimals } = CURRENCIES.get(String(number).padStart(3, "0")) ?? { code: `#${number}`, decimals: 0 };
  const digits = String(minor).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return { amount: decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`, currency: code };
}

function confirmation(entries) {
  const index = entries.findIndex(({ name }) => name === "Confirmed" || name === "OfferAccepted");
  if (index < 0) return null;
  const { at, debtor } = entries[index].given;
  return { at, debtor, entry: index + 1 };
}

/** A member is active until the second in which its KYC expires. */
const standing = ({ status, kycExpiry }, time) => (status === "active" && time >= kycExpiry ? "expired" : status);

/** The orders that have not expired. One that has may still be marked in the word. */
const inForce = (orders, time) => [...orders].filter(([, until]) => time < until);

function encumbrances({ range, history, read, past, isHeld, time }) {
  const { amounts, lien, recourse, holder } = read;
  const found = [];
  const freeze = (scope, orders) => {
    for (const [order, until] of inForce(orders, time)) found.push({ kind: "freeze", order, scope, until });
  };
  freeze("receivable", history.orders);
  if (amounts.disputed && range.start < amounts.senior && amounts.cancelled < range.end) found.push({ kind: "dispute" });
  if (isHeld) {
    freeze("certificate", past.orders);
    if (lien) found.push({ kind: "lien", financier: lien.account, secured: String(lien.amount) });
    if (recourse) {
      const { account: seller, amount, demanded } = recourse;
      found.push({ kind: "recourse", seller, amount: String(amount), demanded });
    }
    const status = standing(holder, time);
    if (status !== "active") found.push({ kind: "holder", status });
    if (holder.frozen) found.push({ kind: "holder", status: "frozen" });
  }
  const place = (one) => `${one.kind} ${canonical(one)}`;
  return found.sort((one, other) => (place(one) < place(other) ? -1 : 1));
}

function phase({ status, face, due }, { paid, cancelled, senior, disputed }, time) {
  switch (status) {
    case STATUS.REGISTERED:
      return "registered";
    case STATUS.REFUSED:
      return "refused";
    case STATUS.WITHDRAWN:
      return "withdrawn";
    case STATUS.LAPSED:
      return "lapsed";
    case STATUS.SETTLED:
      return "paid";
    case STATUS.CLOSED:
      return "closed";
    case STATUS.CONFIRMED: {
      const payable = face - (disputed ? senior : cancelled) - paid;
      if (time < due) return "live";
      return time < due + DAY_SECONDS || payable === 0n ? "due" : "overdue";
    }
    default:
      throw new Refused("there is no such receivable");
  }
}

// ---- opened fields of the invoice

function checkOpened(opened, root) {
  requireList(opened, DOCUMENT_FIELDS.length + ATTACHMENTS_MAX, "opened");
  if (opened.length === 0) return;
  for (const field of opened) {
    demand(Array.isArray(field) && field.length === 4, "an opened field has not four parts");
    const [name, value, salt, path] = field;
    requireText(name, "the name of an opened field");
    requireText(value, "the value of an opened field");
    requireHash(salt, "the salt of an opened field");
    requireList(path, 8, "the path of an opened field").forEach((sibling) => requireHash(sibling, "a sibling"));
  }
  const schema = /^counterfoil\/document\/1(?:\+([1-9][0-9]?))?$/.exec(opened[0][1]);
  demand(opened[0][0] === "schema" && schema !== null, "the schema is not opened first");
  const names = [...DOCUMENT_FIELDS];
  for (let number = 1; number <= Number(schema[1] ?? 0); number += 1) names.push(`attachment/${number}`);
  let last = -1;
  for (const [name, value, salt, path] of opened) {
    const index = names.indexOf(name);
    demand(index > last, `${name} is no field of the document, or not in the order of the document`);
    demand(climb(leafHash(name, value, salt), index, names.length, path) === root, `${name} is not under the root`);
    last = index;
  }
}

function leafHash(name, value, salt) {
  const prefixed = (text) => {
    const bytes = stringToBytes(text);
    return concat([numberToHex(bytes.length, { size: 4 }), bytesToHex(bytes)]);
  };
  return keccak256(concat(["0x00", salt, prefixed(name), prefixed(value)]));
}

function climb(leaf, index, count, path) {
  const siblings = [...path];
  let hash = leaf;
  for (let width = count; width > 1; width = Math.ceil(width / 2), index = Math.floor(index / 2)) {
    if ((index ^ 1) >= width) continue;
    demand(siblings.length > 0, "a path is too short");
    const sibling = siblings.shift();
    hash = keccak256(concat(index % 2 === 1 ? ["0x01", sibling, hash] : ["0x01", hash, sibling]));
  }
  demand(siblings.length === 0, "a path is too long");
  return hash;
}

// ---- the whole

async function check(path, blockHash) {
  const bundle = parse(readFileSync(path));
  const names = ["format", "chain_id", "contract", "certificate", "stated", "entries", "header", "nodes", "opened"];
  requireNames(bundle, names, "the bundle");
  demand(bundle.format === FORMAT, "it is of another format");
  demand(Object.keys(bundle.stated ?? {}).length <= STATED_MAX, "too much is stated");
  const chainId = requireNumber(bundle.chain_id, "chain_id");
  const contract = requireAddress(bundle.contract, "contract");
  const range = readCertificate(bundle.certificate);
  const entries = requireList(bundle.entries, ENTRIES_MAX, "entries").map((entry, index) => readEntry(entry, index + 1));
  demand(entries[0]?.name === "Registered" && entries[0].given !== null, "the journal does not begin with Registered");
  const header = await readHeader(bundle.header);
  demand(blockHash === undefined || header.hash === blockHash, "the header is of another block");

  const pool = new NodePool(bundle.nodes);
  const { storageRoot } = await readAccount(pool, header.stateRoot, contract);
  const read = await readWords(pool, storageRoot, range, entries[0].given);
  pool.requireUsedInOrder();
  demand(headOf(entries, { chainId, contract, receivable: range.receivable }) === read.head, "the head is another");

  const history = new History(entriesAbout(entries, range));
  const expected = statement({ range, entries, history, read, time: header.time });
  requireNames(bundle.stated, Object.keys(expected), "stated");
  for (const name of Object.keys(expected)) {
    const [said, is] = [bundle.stated[name], expected[name]].map((value) => canonical(value));
    demand(said === is, `${name} is ${is}, not ${said}`);
  }
  checkOpened(bundle.opened, entries[0].given.documentRoot);
}

async function answer(path, blockHash) {
  try {
    await check(path, blockHash);
    return { ok: true, why: "" };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, why: error.message };
  }
}

async function main() {
  if (process.argv.length > 2) {
    const result = await answer(process.argv[2]);
    console.log(JSON.stringify(result));
    process.exitCode = result.ok ? 0 : 1;
    return;
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const { path, blockHash } = line.startsWith("{") ? JSON.parse(line) : { path: line };
    console.log(JSON.stringify(await answer(path, blockHash)));
  }
}

await main();
