// Reads the public API descriptions and writes models/<service>.api. See README.md.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const models = path.join(here, '..', '..', 'models');
const require = createRequire(path.join(process.env.MODELIMPORT_PACKAGES ?? here, 'index.js'));
const awscli = '/usr/lib/python3/dist-packages/awscli/botocore/data';
const awscliVersion = '2.9.19';
// Newer limits and widths: the data folder of an unpacked botocore, optional.
const botocore = process.env.MODELIMPORT_BOTOCORE;
const botocoreVersion = '1.43.11';

const services = {
    acm: { api: 'acm/2015-12-08', validation: 'framework' },
    ec2: { api: 'ec2/2016-11-15', validation: 'ec2' },
    ecr: { api: 'ecr/2015-09-21', validation: 'ecr' },
    ecs: { api: 'ecs/2014-11-13', validation: 'own' },
    elbv2: { api: 'elbv2/2015-12-01', validation: 'framework', package: 'elastic-load-balancing-v2' },
    sts: { api: 'sts/2011-06-15', validation: 'framework' },
};

// The schema objects: [kind, namespace, name, traits, member names, member types, required count].
const LIST = 1, MAP = 2, STRUCTURE = 3, UNION = 4, ERROR = -3, OPERATION = 9, SIMPLE = 0;
const scalars = { 0: 'string', 1: 'number', 2: 'bool', 4: 'timestamp', 5: 'timestamp', 6: 'timestamp', 7: 'timestamp',
    15: 'document', 17: 'int64', 19: 'double', 21: 'blob', 42: 'blob' };
const traitBits = ['httpLabel', 'idempotent', 'idempotencyToken', 'sensitive', 'httpPayload', 'httpResponseCode', 'httpQueryParams'];

function traitsOf(traits) {
    if (typeof traits !== 'number') return traits ?? {};
    return Object.fromEntries(traitBits.filter((_, bit) => traits & (1 << bit)).map((name) => [name, 1]));
}

// A reference is a number, a schema, a function giving one, or [reference, traits].
function resolve(reference) {
    if (typeof reference === 'function') return resolve(reference());
    if (Array.isArray(reference) && (typeof reference[0] !== 'number' || reference.length === 2)) {
        const inner = resolve(reference[0]);
        return { schema: inner.schema, traits: { ...inner.traits, ...traitsOf(reference[1]) } };
    }
    return { schema: reference, traits: {} };
}

class Importer {
    constructor(name, config) {
        this.name = name;
        this.package = `@aws-sdk/client-${config.package ?? name}`;
        this.root = path.join(path.dirname(require.resolve(this.package)), '..');
        this.version = JSON.parse(fs.readFileSync(path.join(this.root, 'package.json'))).version;
        this.client = require(this.package);
        this.python = JSON.parse(fs.readFileSync(path.join(awscli, config.api, 'service-2.json')));
        if (botocore) {
            const newer = JSON.parse(zlib.gunzipSync(fs.readFileSync(path.join(botocore, config.api, 'service-2.json.gz'))));
            Object.assign(this.python.shapes, newer.shapes);
        }
        this.validation = config.validation;
        this.records = new Map();
        this.types = new Map();
        this.usedEnums = new Set();
        this.openNumbers = [];
        this.readDeclarations();
        this.readOverlay();
    }

    // Enum values and, per interface member, the enum it is typed with.
    readDeclarations() {
        this.enums = new Map();
        this.memberTypes = new Map();
        const folder = path.join(this.root, 'dist-types', 'models');
        for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.d.ts'))) {
            const text = fs.readFileSync(path.join(folder, file), 'utf8');
            for (const [, name, body] of text.matchAll(/export declare const (\w+): \{\n([^}]*)\};/g)) {
                const values = [...body.matchAll(/readonly [^:]+: "((?:[^"\\]|\\.)*)";/g)].map((m) => m[1]);
                if (values.length) this.enums.set(name, values);
            }
            for (const [, name, body] of text.matchAll(/export (?:interface|declare class) (\w+)[^{]*\{\n([\s\S]*?)\n\}/g))
                for (const [, member, type] of body.matchAll(/^ {4}(?:readonly )?(\w+)\??: (.*);$/gm))
                    this.memberTypes.set(`${name}.${member}`, type);
        }
    }

    readOverlay() {
        this.overlay = new Map();
        const file = path.join(models, `${this.name}.overlay`);
        if (!fs.existsSync(file)) return;
        for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
            const words = line.replace(/\s#.*/, '').trim().split(/\s+/);
            if (words.length < 2 || words[0].startsWith('#')) continue;
            this.overlay.set(words[0], words.slice(1).join(' '));
        }
    }

    errorsOf(operation) {
        const text = fs.readFileSync(path.join(this.root, 'dist-types', 'commands', `${operation}Command.d.ts`), 'utf8');
        return [...text.matchAll(/@throws \{@link (\w+)\} \((client|server) fault\)/g)].map((m) => m[1]).sort();
    }

    // The limits of the Python client's shape, as flags; named scalars become `type` lines and are referred to by name.
    limits(shape) {
        if (!shape) return '';
        const { min, max } = shape;
        if (min === undefined && max === undefined) return '';
        const word = ['integer', 'long', 'float', 'double'].includes(shape.type) ? 'range' : 'size';
        return ` ${word} ${min ?? ''}..${max ?? ''}`;
    }

    scalarName(kind, shapeName) {
        const shape = this.python.shapes[shapeName];
        if (!shape || (shape.type === 'string') !== (kind === 'string')) return kind;
        const pattern = shape.pattern && shape.pattern !== '.*' ? ` pattern ${shape.pattern.replace(/[\r\n]/g, (c) => (c === '\n' ? '\\n' : '\\r'))}` : '';
        const limits = this.limits(shape) + pattern;
        if (!limits || shape.enum) return kind;
        this.types.set(shapeName, `type ${shapeName} ${kind}${limits}`);
        return shapeName;
    }

    // `place` is where a number stands, for the report; `declared` the TypeScript type; `shapeName` the Python client's shape.
    type(schema, declared, shapeName, place) {
        const python = this.python.shapes[shapeName];
        if (typeof schema === 'number') {
            if (schema & 64 && schema < 128) return `list ${this.type(schema & ~64, declared, python?.member?.shape, place)}`;
            if (schema & 128) {
                const record = /Record<([^,]+), (.*)>/.exec(declared ?? '');
                const key = this.type(0, record?.[1], python?.key?.shape, place);
                return `map ${key} ${this.type(schema & ~128, record?.[2], python?.value?.shape, place)}`;
            }
            return this.scalar(scalars[schema], declared, shapeName, place);
        }
        const [kind, , name, , ...rest] = schema;
        switch (kind) {
        case SIMPLE: return this.type(rest[0], declared, shapeName, place);
        case LIST: {
            const member = resolve(rest[0]);
            return `list ${this.type(member.schema, declared, python?.member?.shape, place)}`;
        }
        case MAP: {
            const record = /Record<([^,]+), (.*)>/.exec(declared ?? '');
            const key = this.type(resolve(rest[0]).schema, record?.[1], python?.key?.shape, place);
            return `map ${key} ${this.type(resolve(rest[1]).schema, record?.[2], python?.value?.shape, place)}`;
        }
        case STRUCTURE: case UNION: case ERROR:
            this.record(schema);
            return name;
        default: throw new Error(`${this.name}: schema kind ${kind} at ${place}`);
        }
    }

    scalar(kind, declared, shapeName, place) {
        if (kind === 'string') {
            const link = [...(declared ?? '').matchAll(/\w+/g)].map((m) => m[0]).find((word) => this.enums.has(word));
            if (link) {
                this.usedEnums.add(link);
                return link;
            }
        }
        if (kind !== 'number') return kind === 'string' || kind === 'blob' ? this.scalarName(kind, shapeName) : kind;
        const width = { integer: 'int32', long: 'int64', float: 'float', double: 'double' }[this.python.shapes[shapeName]?.type];
        if (!width && !this.overlay.has(place)) this.openNumbers.push(place);
        return width ? this.scalarName(width, shapeName) : 'int64';
    }

    flags(schema, traits, python) {
        let flags = '';
        const list = Array.isArray(schema) && schema[0] === LIST ? resolve(schema[4]).traits : {};
        const key = Array.isArray(schema) && schema[0] === MAP ? resolve(schema[4]).traits : {};
        const value = Array.isArray(schema) && schema[0] === MAP ? resolve(schema[5]).traits : {};
        const own = Array.isArray(schema) && schema[0] === SIMPLE ? traitsOf(schema[3]) : {};
        if (traits.idempotencyToken) flags += ' token';
        if (traits.sensitive || own.sensitive) flags += ' sensitive';
        if (traits.xmlFlattened) flags += ' flat';
        if (traits.xmlName) flags += ` xml=${traits.xmlName}`;
        if (traits.ec2QueryName) flags += ` query=${traits.ec2QueryName}`;
        if (list.xmlName) flags += ` item=${list.xmlName}`;
        if (key.xmlName) flags += ` key=${key.xmlName}`;
        if (value.xmlName) flags += ` value=${value.xmlName}`;
        if (schema === 5) flags += ' iso';
        if (schema === 7) flags += ' epoch';
        if (python && ['list', 'map'].includes(python.type)) flags += this.limits(python);
        return flags;
    }

    record(schema) {
        const [kind, , name, traits, members = [], types = [], required = 0] = schema;
        if (this.records.has(name)) return;
        this.records.set(name, null);  // recursion ends here
        const lines = [];
        members.forEach((member, i) => {
            const { schema: type, traits: own } = resolve(types[i]);
            const place = `${name}.${member}`;
            const shapeName = this.python.shapes[name]?.members?.[member]?.shape;
            let text = this.type(type, this.memberTypes.get(place), shapeName, place);
            if (i < required) text += ' required';
            text += this.flags(type, own, this.python.shapes[shapeName]);
            const better = this.overlay.get(place);
            if (better) text = better;
            lines.push(`  ${member} ${text}`);
        });
        let head = kind === UNION ? `union ${name}` : `record ${name}`;
        if (kind === ERROR) {
            const { awsQueryError, error, httpError } = traitsOf(traits);
            head = `error ${name} ${awsQueryError?.[1] ?? httpError ?? (error === 'server' ? 500 : 400)}`;
            if (awsQueryError && awsQueryError[0] !== name) head += ` code=${awsQueryError[0]}`;
        }
        this.records.set(name, [head, ...lines].join('\n'));
    }

    run() {
        const wantedFile = path.join(models, `${this.name}.ops`);
        const wanted = fs.existsSync(wantedFile)
            ? new Set(fs.readFileSync(wantedFile, 'utf8').split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('#')))
            : null;
        const operations = [];
        const errors = new Map(Object.values(this.client).filter((v) => Array.isArray(v) && v[0] === ERROR).map((v) => [v[2], v]));
        for (const value of Object.values(this.client)) {
            if (!Array.isArray(value) || value[0] !== OPERATION) continue;
            const name = value[2];
            if (wanted && !wanted.delete(name)) continue;
            const [input, output] = [resolve(value[4]).schema, resolve(value[5]).schema].map((schema) => {
                if (!Array.isArray(schema) || schema[2] === 'Unit') return '-';
                this.record(schema);
                return schema[2];
            });
            const thrown = this.errorsOf(name);
            for (const error of thrown) this.record(errors.get(error));
            operations.push(`op ${name} ${input} -> ${output}` + (thrown.length ? `\n  errors ${thrown.join(' ')}` : ''));
        }
        if (wanted?.size) throw new Error(`${this.name}: no such operation: ${[...wanted].join(' ')}`);
        const { metadata } = this.python;
        const protocol = { json: `json${metadata.jsonVersion}`, query: 'query', ec2: 'ec2' }[metadata.protocol];
        let service = `service ${this.name} ${metadata.apiVersion} ${protocol} sign=${metadata.signingName ?? metadata.endpointPrefix}`;
        if (metadata.targetPrefix) service += ` target=${metadata.targetPrefix}`;
        if (metadata.xmlNamespace) service += ` xmlns=${metadata.xmlNamespace}`;
        service += ` validation=${this.validation}`;
        const sorted = (lines) => [...lines].sort((a, b) => (a < b ? -1 : 1));
        const enums = [...this.usedEnums].map((name) => `enum ${name} ${this.enums.get(name).join(' ')}`);
        const out = [
            '# Written by tools/modelimport; facts only. Change the overlay, not this file.',
            `# ${this.package} ${this.version} (structure), awscli ${awscliVersion}${botocore ? ` and botocore ${botocoreVersion}` : ''} (limits, number widths)`,
            service, ...sorted(operations), ...sorted(this.types.values()), ...sorted(enums), ...sorted(this.records.values()), ''];
        fs.writeFileSync(path.join(models, `${this.name}.api`), out.join('\n'));
        for (const key of this.overlay.keys())
            if (!this.records.has(key.split('.')[0])) console.error(`${this.name}: overlay of unknown ${key}`);
        console.error(`${this.name}: ${operations.length} operations, ${this.records.size} records, ` +
            `${this.usedEnums.size} enums, ${this.types.size} limited types; numbers of unknown width: ${this.openNumbers.join(' ') || 'none'}`);
    }
}

const chosen = process.argv.slice(2);
for (const [name, config] of Object.entries(services))
    if (!chosen.length || chosen.includes(name)) new Importer(name, config).run();
