#!/usr/bin/env python3
"""Turns models/<service>.api into C++: <out>/<service>/{types.h,tables.cpp,ops.h} and <out>/services.cpp.

usage: modelgen.py OUT MODEL.api …      The grammar of the models is in tools/modelimport/README.md.
"""
import os
import re
import sys

SCALARS = {
    'string': ('string', '::boxship::shape::Str'),
    'blob': ('blob', '::boxship::shape::Blob'),
    'document': ('document', '::boxship::shape::Document'),
    'bool': ('boolean', 'bool'),
    'int32': ('int32', 'std::int32_t'),
    'int64': ('int64', 'std::int64_t'),
    'float': ('float32', 'float'),
    'double': ('float64', 'double'),
    'timestamp': ('timestamp', '::boxship::Time'),
}
STRINGS = ('string', 'blob', 'document')

# Words that C++, or a macro of the C library, keeps for itself.
RESERVED = set('''alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const
consteval constexpr constinit continue co_await co_return co_yield decltype default delete do double else enum explicit export
extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq
private protected public register requires return short signed sizeof static struct switch template this throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
errno linux major minor stderr stdin stdout unix unknown record_info'''.split())


class Problem(Exception):
    pass


def snake(name):
    name = name.replace('IPv', 'Ipv')
    name = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', name)
    name = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name)
    name = re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_').lower()
    if not name or name[0].isdigit():
        name = 'v' + name
    return name + '_' if name in RESERVED else name


def quote(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('?', '\\?') + '"sv'


def pcre(pattern):
    """The models' patterns come from Java; PCRE2 wants code points written differently."""
    pattern = pattern.replace(r'\u10000-\u10FFFF', r'\x{10000}-\x{10FFFF}')
    pattern = pattern.replace(r'\uD800\uDC00-\uDBFF\uDFFF', r'\x{10000}-\x{10FFFF}')
    pattern = re.sub(r'\\u([0-9A-Fa-f]{4})', r'\\x{\1}', pattern)
    return re.sub(r'(\\[wdsWDS])-(?=[^\]])', r'\1\\-', pattern)


class Record:
    def __init__(self, name, kind):
        self.name, self.kind, self.members = name, kind, []


class Member:
    """taskDefinition string required …"""

    def __init__(self, line, service):
        words = line.split()
        self.name = words.pop(0)
        self.type = self.take_type(words)
        self.flags, self.names, self.limits = set(), {}, None
        while words:
            word = words.pop(0)
            if word in ('size', 'range'):
                self.limits = (words.pop(0), '')
            elif '=' in word:
                key, value = word.split('=', 1)
                self.names[key] = value
            elif word in ('required', 'token', 'sensitive', 'flat', 'iso', 'epoch'):
                self.flags.add(word)
            else:
                raise Problem(f'{self.name}: unknown flag {word}')

    @classmethod
    def take_type(cls, words):
        word = words.pop(0)
        if word == 'list':
            return ('list', cls.take_type(words))
        if word == 'map':
            key = cls.take_type(words)
            return ('map', key, cls.take_type(words))
        return ('name', word)


class Service:
    def __init__(self, path):
        self.path = path
        self.operations, self.records, self.enums, self.types, self.errors = {}, {}, {}, {}, {}
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                try:
                    self.read(line.rstrip('\n'))
                except (Problem, ValueError, IndexError, KeyError) as problem:
                    raise Problem(f'{path}:{number}: {problem!r}') from problem
        self.finish()

    def read(self, line):
        if not line.strip() or line.startswith('#'):
            return
        if line.startswith('  '):
            if isinstance(self.current, Record):
                self.current.members.append(Member(line, self))
            else:
                word, *names = line.split()
                if word != 'errors':
                    raise Problem(f'unknown {word}')
                self.current['errors'] = names
            return
        word, rest = line.split(' ', 1)
        if word == 'service':
            self.name, self.version, protocols, *pairs = rest.split()
            self.protocols = protocols.split(',')
            self.facts = dict(pair.split('=', 1) for pair in pairs)
        elif word == 'op':
            name, request, arrow, response = rest.split()
            self.current = self.operations[name] = {'request': request, 'response': response, 'errors': []}
        elif word in ('record', 'union'):
            self.current = self.records[rest] = Record(rest, word)
        elif word == 'error':
            name, status, *pairs = rest.split()
            code = dict(pair.split('=', 1) for pair in pairs).get('code', name)
            self.errors[name] = (int(status), code)
            self.current = self.records[name] = Record(name, 'record')
        elif word == 'enum':
            name, *values = rest.split()
            self.enums[name] = values
        elif word == 'type':
            name, kind, *limits = rest.split(None, 2)
            text = limits[0] if limits else ''
            size = re.match(r'(?:size|range) (\S+)\s*', text)
            pattern = re.search(r'(?:^|\s)pattern (.*)$', text)
            self.types[name] = (kind, (size.group(1) if size else '..', pattern.group(1) if pattern else ''))
        else:
            raise Problem(f'unknown {word}')

    def finish(self):
        for name, operation in self.operations.items():
            operation['has_output'] = operation['response'] != '-'
            for side, suffix in (('request', 'Request'), ('response', 'Response')):
                if operation[side] == '-':
                    operation[side] = name + suffix
                    if name + suffix in self.records:
                        raise Problem(f'{self.path}: {name + suffix} exists already')
                    self.records[name + suffix] = Record(name + suffix, 'record')
        names = set(self.records) | set(self.enums) | set(self.types) | set(SCALARS)
        for record in self.records.values():
            for member in record.members:
                for name in self.leaves(member.type):
                    if name not in names:
                        raise Problem(f'{self.path}: {record.name}.{member.name}: no such type {name}')

    def leaves(self, type_):
        return [type_[1]] if type_[0] == 'name' else [leaf for part in type_[1:] for leaf in self.leaves(part)]

    # --- C++ types -------------------------------------------------------------------------------------------

    def element(self, type_):
        if type_[0] == 'list':
            return f'::boxship::shape::List<{self.element(type_[1])}>'
        if type_[0] == 'map':
            return f'::boxship::shape::Map<{self.element(type_[2])}>'
        name = type_[1]
        if name in self.types:
            name = self.types[name][0]
        return SCALARS[name][1] if name in SCALARS else name

    def member_type(self, type_):
        element = self.element(type_)
        if type_[0] != 'name':
            return element
        name = type_[1]
        kind = self.types[name][0] if name in self.types else name
        if kind in STRINGS:
            return element
        return f'::boxship::shape::{"Box" if name in self.records else "Opt"}<{element}>'

    def write_types(self):
        out = ['// Generated from models/%s.api.' % self.name, '#pragma once', '', '#include "shape/light.h"', '',
               f'namespace boxship::{self.name} {{', '']
        for name, values in sorted(self.enums.items()):
            out.append(f'enum class {name} : std::uint16_t {{ unknown, {", ".join(self.enumerators(values))} }};')
            out.append(f'const ::boxship::shape::EnumInfo& enum_info({name});')
            out.append(f'inline std::string_view to_text({name} value) '
                       '{ return enum_info(value).text(static_cast<std::uint16_t>(value)); }')
        out.append('')
        out += [f'struct {name};' for name in sorted(self.records)]
        for _, record in sorted(self.records.items()):
            out += ['', f'struct {record.name} {{']
            out += [f'    {self.member_type(member.type)} {snake(member.name)};' for member in record.members]
            out += ['    static const ::boxship::shape::RecordInfo record_info;', '};']
        out += ['', f'}}  // namespace boxship::{self.name}', '']
        return '\n'.join(out)

    @staticmethod
    def enumerators(values):
        names = []
        for value in values:
            name = snake(value) if not value.isupper() else snake(value.lower())
            while name in names:
                name += '_'
            names.append(name)
        return names

    # --- tables ----------------------------------------------------------------------------------------------

    def limits(self, limits):
        if limits not in self.limit_names:
            self.limit_names[limits] = f'limits[{len(self.limit_names)}]'
        return '&' + self.limit_names[limits]

    def type(self, type_, limits=None):
        """The name of the TypeInfo, made on first use; inner types come first."""
        key = (type_, limits)
        if key in self.type_names:
            return self.type_names[key]
        if type_[0] == 'list':
            facts = f'.kind = Kind::list, .element = &{self.type(type_[1])}'
        elif type_[0] == 'map':
            facts = f'.kind = Kind::map, .element = &{self.type(type_[2])}'
            if type_[1][1] in self.enums:
                facts += f', .keys = &enum_{type_[1][1]}'
        else:
            name = type_[1]
            if name in self.types:
                name, limits = self.types[name]
            if name in self.records:
                facts = f'.kind = Kind::record, .record = &{name}::record_info'
            elif name in self.enums:
                facts = f'.kind = Kind::enumeration, .values = &enum_{name}'
            else:
                facts = f'.kind = Kind::{SCALARS[name][0]}'
        if limits:
            facts += f', .limits = {self.limits(limits)}'
        self.type_names[key] = f'types[{len(self.type_lines)}]'
        self.type_lines.append(f'    {{{facts}}},')
        return self.type_names[key]

    def member(self, record, member):
        ec2 = self.protocols[0] == 'ec2'
        xml = member.names.get('xml', member.name)
        query = member.names.get('query', xml[0].upper() + xml[1:] if ec2 else xml)
        facts = [f'.name = {quote(member.name)}', f'.field = {quote(snake(member.name))}', f'.xml_name = {quote(xml)}',
                 f'.query_name = {quote(query)}']
        for key in ('item', 'key', 'value'):
            if key in member.names:
                facts.append(f'.{key} = {quote(member.names[key])}')
        facts.append(f'.type = &{self.type(member.type, member.limits)}')
        facts.append(f'.offset = offsetof({record.name}, {snake(member.name)})')
        for flag in ('required', 'sensitive', 'token', 'flat'):
            if flag in member.flags:
                facts.append(f'.{flag} = true')
        for flag in ('iso', 'epoch'):
            if flag in member.flags:
                facts.append(f'.time = TimeFormat::{flag}')
        return '    {%s},' % ', '.join(facts)

    def write_tables(self):
        self.type_names, self.type_lines, self.limit_names = {}, [], {}
        records = []
        for _, record in sorted(self.records.items()):
            span = '{}'
            if record.members:
                lines = [self.member(record, member) for member in record.members]
                records += [f'constexpr MemberInfo members_{record.name}[] = {{', *lines, '};']
                span = f'members_{record.name}'
            union = ', .is_union = true' if record.kind == 'union' else ''
            records.append(f'const RecordInfo {record.name}::record_info = {{.name = {quote(record.name)}, .members = {span}, '
                           f'.size = sizeof({record.name}){union}}};')
        out = [f'// Generated from models/{self.name}.api.', '#include <cstddef>', '',
               f'#include "{self.name}/ops.h"', f'#include "{self.name}/types.h"', '',
               f'namespace boxship::{self.name} {{', '', 'using namespace ::boxship::shape;',
               'using namespace std::string_view_literals;', '', 'namespace {', '']
        for name, values in sorted(self.enums.items()):
            out.append(f'constexpr std::string_view values_{name}[] = {{{", ".join(quote(v) for v in values)}}};')
            out.append(f'constexpr EnumInfo enum_{name} = {{{quote(name)}, values_{name}}};')
        if self.limit_names:
            out.append('constexpr Limits limits[] = {')
            for bounds, pattern in self.limit_names:
                low, high = bounds.split('..')
                facts = [f'.min = {low}'] * bool(low) + [f'.max = {high}'] * bool(high)
                if pattern:
                    facts += [f'.pattern = {quote(pcre(pattern))}', f'.shown = {quote(pattern)}']
                out.append('    {%s},' % ', '.join(facts))
            out.append('};')
        if self.type_lines:
            out += [f'extern const TypeInfo types[{len(self.type_lines)}];',
                    f'constexpr TypeInfo types[{len(self.type_lines)}] = {{', *self.type_lines, '};']
        for name, operation in sorted(self.operations.items()):
            if operation['errors']:
                out.append(f'constexpr std::string_view errors_{name}[] = {{{", ".join(quote(e) for e in operation["errors"])}}};')
        if self.errors:
            out.append('constexpr ErrorInfo errors[] = {')
            for name, (status, code) in sorted(self.errors.items()):
                out.append(f'    {{.name = {quote(name)}, .query_code = {quote(code)}, .status = {status}}},')
            out.append('};')
        out.append('constexpr Protocol protocols[] = {%s};' % ', '.join('Protocol::' + p.replace('.', '') for p in self.protocols))
        out += ['', '}  // namespace', '']
        for name in sorted(self.enums):
            out.append(f'const EnumInfo& enum_info({name}) {{ return enum_{name}; }}')
        out += ['', *records, '']
        for name, operation in sorted(self.operations.items()):
            errors = f', .errors = errors_{name}' if operation['errors'] else ''
            output = '' if operation['has_output'] else ', .has_output = false'
            out.append(f'const OperationInfo ops::{name}::info = {{.name = {quote(name)}, .service = &service_info, '
                       f'.request = &{operation["request"]}::record_info, .response = &{operation["response"]}::record_info{output}{errors}}};')
        facts = [f'.name = {quote(self.name)}', f'.version = {quote(self.version)}',
                 f'.signing_name = {quote(self.facts["sign"])}', f'.target_prefix = {quote(self.facts.get("target", ""))}',
                 f'.xml_namespace = {quote(self.facts.get("xmlns", ""))}', '.protocols = protocols',
                 f'.validation = ValidationStyle::{self.facts["validation"]}']
        if self.operations:
            pointers = ', '.join(f'&ops::{name}::info' for name in sorted(self.operations))
            out.append(f'static constexpr const OperationInfo* operations[] = {{{pointers}}};')
            facts.append('.operations = operations')
        if self.errors:
            facts.append('.errors = errors')
        out += [f'const ServiceInfo service_info = {{{", ".join(facts)}}};', '', f'}}  // namespace boxship::{self.name}', '']
        return '\n'.join(out)

    def write_ops(self):
        out = [f'// Generated from models/{self.name}.api: one tag per operation.', '#pragma once', '',
               f'#include "{self.name}/types.h"', '', f'namespace boxship::{self.name} {{', '',
               'extern const ::boxship::shape::ServiceInfo service_info;', '', 'namespace ops {']
        for name, operation in sorted(self.operations.items()):
            out.append(f'struct {name} {{ using Request = {self.name}::{operation["request"]}; '
                       f'using Response = {self.name}::{operation["response"]}; '
                       'static const ::boxship::shape::OperationInfo info; };')
        out += ['}  // namespace ops', f'}}  // namespace boxship::{self.name}', '']
        return '\n'.join(out)


def write_services(services):
    out = ['// Generated: every service that has a model.', '#include "shape/services.h"', '']
    out += [f'#include "{service.name}/ops.h"' for service in services]
    pointers = ', '.join(f'&{service.name}::service_info' for service in services)
    out += ['', 'namespace boxship::shape {', '', 'std::span<const ServiceInfo* const> services()', '{',
            f'    static constexpr const ServiceInfo* all[] = {{{pointers}}};', '    return all;', '}', '',
            '}  // namespace boxship::shape', '']
    return '\n'.join(out)


def write(path, text):
    """Unchanged files keep their time, so that nothing is compiled again for nothing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path, encoding='utf-8') as file:
            if file.read() == text:
                return
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def main():
    out, *paths = sys.argv[1:]
    try:
        services = sorted((Service(path) for path in paths), key=lambda service: service.name)
        for service in services:
            write(f'{out}/{service.name}/types.h', service.write_types())
            write(f'{out}/{service.name}/tables.cpp', service.write_tables())
            write(f'{out}/{service.name}/ops.h', service.write_ops())
        write(f'{out}/services.cpp', write_services(services))
    except Problem as problem:
        sys.exit(f'modelgen: {problem}')


if __name__ == '__main__':
    main()
