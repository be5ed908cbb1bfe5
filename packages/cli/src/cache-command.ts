import { clearStore, type SurveyedEntry, surveyStore } from "@kiln-gpu/store";
import { type Command, parseOptions } from "./command.js";
import { table } from "./table.js";
import { UsageError } from "./usage-error.js";

const help = `Usage: kiln cache [size | list | clear] [options]

Shows or empties the store on disk, which keeps translated shaders, tuning results and warm-up lists for later
processes. All of it can be made again.

  kiln cache        the folder, and how much is in it
  kiln cache list   each entry: its kind, size and last use
  kiln cache clear  removes every entry

Options:
  --directory PATH  another folder (default: KILN_STORE_DIRECTORY, or else the platform's cache folder)
  --json            prints JSON
  -h, --help        prints this help

Exits with 1 if the folder cannot be read or is open to other users, and with 2 if the command line has an error.`;

export const command: Command = {
  help,
  async run(args, { output, errors }) {
    const given = parseOptions(args, { directory: "value", json: "flag" });
    const [action = "size", ...others] = given.paths;
    if (!["size", "list", "clear"].includes(action) || others.length > 0) {
      throw new UsageError(`The action must be size, list or clear; got "${given.paths.join(" ")}".`);
    }
    const directory = given.value("directory");
    const place = directory === undefined ? {} : { directory };
    const say = (text: string, json: unknown) => {
      output.write(`${given.flag("json") ? JSON.stringify(json, null, 2) : text}\n`);
      return 0;
    };
    try {
      const survey = await surveyStore(place);
      if (!survey) return say("The store is off: the environment variable KILN_STORE says so.", { isOff: true });
      if (action === "clear") {
        const removed = await clearStore(place);
        return say(`${count(removed)} removed from ${survey.directory}.`, { directory: survey.directory, removed });
      }
      const kinds = kindsOf(survey.entries);
      const byteLength = survey.entries.reduce((sum, entry) => sum + entry.byteLength, 0);
      const totals = { directory: survey.directory, count: survey.entries.length, byteLength };
      const head = `${survey.directory}: ${count(survey.entries.length)}, ${sizeText(byteLength)}`;
      if (action === "size")
        return say([head, table(kinds.map(kindRow))].filter(Boolean).join("\n"), { ...totals, kinds });
      const newestFirst = [...survey.entries].sort((a, b) => b.usedMs - a.usedMs);
      const rows = newestFirst.map(({ address, namespace, byteLength: bytes, usedMs }) => {
        return [
          new Date(usedMs).toISOString().slice(0, 19),
          namespace ?? "damaged",
          sizeText(bytes),
          address.slice(0, 12),
        ];
      });
      return say([head, table(rows)].filter(Boolean).join("\n"), { ...totals, entries: newestFirst });
    } catch (error) {
      errors.write(`${(error as Error).message}\n`);
      return 1;
    }
  },
};

interface Kind {
  readonly namespace: string | undefined;
  readonly count: number;
  readonly byteLength: number;
}

function kindsOf(entries: readonly SurveyedEntry[]): Kind[] {
  const kinds = new Map<string | undefined, Kind>();
  for (const { namespace, byteLength } of entries) {
    const before = kinds.get(namespace) ?? { namespace, count: 0, byteLength: 0 };
    kinds.set(namespace, { namespace, count: before.count + 1, byteLength: before.byteLength + byteLength });
  }
  return [...kinds.values()].sort((a, b) => b.byteLength - a.byteLength);
}

function kindRow({ namespace, count: entries, byteLength }: Kind): string[] {
  return [namespace ?? "damaged", count(entries), sizeText(byteLength)];
}

function count(entries: number): string {
  return entries === 1 ? "1 entry" : `${entries} entries`;
}

function sizeText(byteLength: number): string {
  if (byteLength >= 2 ** 20) return `${(byteLength / 2 ** 20).toFixed(1)} MiB`;
  return byteLength >= 2 ** 10 ? `${(byteLength / 2 ** 10).toFixed(1)} KiB` : `${byteLength} bytes`;
}
