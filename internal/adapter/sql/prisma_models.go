package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Prisma's schema language is read line by line: its formatter and its grammar have one
// field per line.
var (
	prismaBlock    = lazyregexp.New(`^\s*(model|view|enum|type|datasource|generator)\s+(\w+)\s*\{`)
	prismaField    = lazyregexp.New(`^\s*(\w+)\s+(\w+)(\([^)]*\))?(\[\])?\??(.*)$`)
	prismaMap      = lazyregexp.New(`(?:^|\s)@map\(\s*(?:name\s*:\s*)?"([^"]+)"`)
	prismaTable    = lazyregexp.New(`^\s*@@map\(\s*(?:name\s*:\s*)?"([^"]+)"`)
	prismaSchema   = lazyregexp.New(`^\s*@@schema\(\s*"([^"]+)"`)
	prismaRelation = lazyregexp.New(`@relation\(\s*(?:name\s*:\s*)?"([^"]+)"`)
)

// prismaScalars are the types of Prisma that are columns. A field of an enum is a column
// too; a field of a model is not.
var prismaScalars = []string{"String", "Boolean", "Int", "BigInt", "Float", "Decimal", "DateTime", "Json", "Bytes", "Unsupported"}

// prismaModel is a model while it is read. Its fields are resolved after all models and
// enums are known.
type prismaModel struct {
	adapter.Model
	prisma  string // its name in the client
	fields  []prismaLine
	ignored bool
}

type prismaLine struct {
	name, kind, rest string
	list             bool
	line             int
}

// PrismaModels reads the models of the schema near the migrations: the columns that the
// client selects and returns by default. It is nil if there is no schema.
func PrismaModels(t adapter.Tree, dir string) []adapter.Model {
	home := path.Dir(dir)
	var models []*prismaModel
	enums := map[string]bool{}
	for _, p := range t.Paths() {
		if path.Ext(p) != ".prisma" || home != "." && !strings.HasPrefix(p, home+"/") || strings.Contains(p, "node_modules/") {
			continue
		}
		text, err := t.Read(p)
		if err != nil {
			return nil // an incomplete schema is not used
		}
		models = append(models, parsePrismaSchema(p, string(text), enums)...)
	}
	var out []adapter.Model
	for _, m := range models {
		if m.ignored {
			continue
		}
		for _, f := range m.fields {
			if !slices.Contains(prismaScalars, f.kind) && !enums[f.kind] || strings.Contains(f.rest, "@ignore") {
				continue
			}
			column := f.name
			if to := prismaMap.FindStringSubmatch(f.rest); to != nil {
				column = to[1]
			}
			m.Columns = append(m.Columns, adapter.ModelColumn{Field: f.name, Column: column, Line: f.line})
		}
		out = append(out, m.Model)
	}
	return append(out, listPrismaJoinTables(models)...)
}

// parsePrismaSchema reads one file of a schema.
func parsePrismaSchema(file, text string, enums map[string]bool) []*prismaModel {
	var out []*prismaModel
	var in *prismaModel
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if start := prismaBlock.FindStringSubmatch(line); start != nil {
			in = nil
			switch start[1] {
			case "model", "view":
				in = &prismaModel{prisma: start[2], Model: adapter.Model{Name: start[2], Table: start[2], Path: file, Line: number, Unmanaged: start[1] == "view"}}
				out = append(out, in)
			case "enum":
				enums[start[2]] = true
			}
			continue
		}
		trimmed := strings.TrimSpace(line)
		switch {
		case in == nil || strings.HasPrefix(trimmed, "//"):
		case trimmed == "}":
			in = nil
		case strings.HasPrefix(trimmed, "@@"):
			if to := prismaTable.FindStringSubmatch(line); to != nil {
				schema, _, qualified := strings.Cut(in.Table, `"."`)
				if in.Table = to[1]; qualified {
					in.Table = schema + `"."` + to[1]
				}
			}
			if to := prismaSchema.FindStringSubmatch(line); to != nil {
				in.Table = to[1] + `"."` + in.Table
			}
			in.ignored = in.ignored || trimmed == "@@ignore"
		default:
			if f := prismaField.FindStringSubmatch(line); f != nil {
				in.fields = append(in.fields, prismaLine{name: f[1], kind: f[2], list: f[4] != "", rest: f[5], line: number})
			}
		}
	}
	return out
}

// listPrismaJoinTables returns the join tables that Prisma creates for two lists: _PostToTag for a
// list of Tag in Post and one of Post in Tag, or _ and the name of the relation.
func listPrismaJoinTables(models []*prismaModel) []adapter.Model {
	var out []adapter.Model
	seen := map[string]bool{}
	for _, m := range models {
		for _, f := range m.fields {
			i := slices.IndexFunc(models, func(o *prismaModel) bool { return o.prisma == f.kind })
			if !f.list || i < 0 {
				continue
			}
			name := ""
			if rel := prismaRelation.FindStringSubmatch(f.rest); rel != nil {
				name = rel[1]
			}
			back := slices.ContainsFunc(models[i].fields, func(b prismaLine) bool {
				other := ""
				if rel := prismaRelation.FindStringSubmatch(b.rest); rel != nil {
					other = rel[1]
				}
				return b.kind == m.prisma && b.list && other == name && !(models[i] == m && b.name == f.name)
			})
			if !back {
				continue
			}
			if name == "" {
				name = min(m.prisma, f.kind) + "To" + max(m.prisma, f.kind)
			}
			if table := "_" + name; !seen[table] {
				seen[table] = true
				out = append(out, adapter.Model{Name: m.prisma + "." + f.name, Table: table, Path: m.Path, Line: f.line, Columns: []adapter.ModelColumn{
					{Field: f.name, Column: "A", Line: f.line}, {Field: f.name, Column: "B", Line: f.line},
				}})
			}
		}
	}
	return out
}
