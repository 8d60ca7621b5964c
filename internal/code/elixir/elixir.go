// Package elixir reads the schemas of Ecto.
package elixir

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".ex"}, Signs: []string{"schema \""}, Read: readEctoModels},
}

// Ecto's schemas. Each query selects all fields by name; an INSERT names those that have a value.
var (
	exSchema  = lazyregexp.New(`^(?:typed_)?schema\(?\s*"([\w.]+)"`)
	exModule  = lazyregexp.New(`^defmodule\s+([\w.]+)`)
	exPrefix  = lazyregexp.New(`^@schema_prefix\s+(?:"(\w+)"|:(\w+))`)
	exField   = lazyregexp.New(`^field\(?\s*:(\w+)`)
	exEmbed   = lazyregexp.New(`^(?:polymorphic_)?embeds_(?:one|many)\(?\s*:(\w+)`)
	exSource  = lazyregexp.New(`\bsource:\s*:(\w+)`)
	exVirt    = lazyregexp.New(`\bvirtual:\s*true`)
	exLeft    = lazyregexp.New(`\bload_in_query:\s*false`)
	exOwner   = lazyregexp.New(`^belongs_to\(?\s*:(\w+)`)
	exKey     = lazyregexp.New(`\bforeign_key:\s*:(\w+)`)
	exKeys    = lazyregexp.New(`^@primary_key\s*(?:\{\s*:(\w+)|(false)|\[\])`)
	exTimes   = lazyregexp.New(`^timestamps\b`)
	exTime    = lazyregexp.New(`\b(inserted_at|updated_at|inserted_at_source|updated_at_source):\s*(?::(\w+)|(false))`)
	exTimeOf  = lazyregexp.New(`^@timestamps_opts\b`)
	exPlain   = lazyregexp.New(`\bdefine_field:\s*false`)
	exSoft    = lazyregexp.New(`^soft_delete_schema\b`)
	exThrough = lazyregexp.New(`^many_to_many\b.*\bjoin_through:\s*"([\w.]+)"`)
	exJoins   = lazyregexp.New(`\bjoin_keys:\s*\[\s*(\w+):\s*:\w+\s*,\s*(\w+):\s*:\w+`)
	exOpen    = lazyregexp.New(`^(?:typed_)?(?:field|belongs_to|many_to_many|timestamps|(?:polymorphic_)?embeds_(?:one|many)|@timestamps_opts|@primary_key)\b`)
)

// ectoReader reads the schemas of a file.
type ectoReader struct {
	r  *source.File
	in *facts.Model
	// module, prefix, key and times are what the module around a schema says. key is "" for the usual one, and "-" for none.
	module, prefix, key, times string
	// began is the indentation of the schema.
	began int
	// held is a call that the next line continues, at its number.
	held string
	at   int
}

func readEctoModels(r *source.File) {
	x := &ectoReader{r: r}
	r.EachLine(func(n, indent int, line string) {
		if source.IsComment(line) || line == "" {
			return
		}
		if x.held != "" {
			n, line = x.at, x.held+" "+line
			x.held = ""
		}
		if exOpen.MatchString(line) && len(line) < source.MaxDeclared && (strings.HasSuffix(line, ",") || source.BracketDepth(line) > 0) {
			x.held, x.at = line, n
			return
		}
		x.readEctoLine(n, indent, line)
	})
}

// readEctoLine reads a line, or a call over several lines.
func (x *ectoReader) readEctoLine(n, indent int, line string) {
	if module := source.FirstGroup(exModule, line); module != "" && x.in == nil {
		x.module, x.prefix, x.key, x.times = module[strings.LastIndexByte(module, '.')+1:], "", "", ""
	}
	switch {
	case exPrefix.MatchString(line):
		x.prefix = source.FirstGroup(exPrefix, line)
	case exKeys.MatchString(line):
		if x.key = exKeys.FindStringSubmatch(line)[1]; x.key == "" {
			x.key = "-"
		} else if source := source.FirstGroup(exSource, line); source != "" {
			x.key = source
		}
	case exTimeOf.MatchString(line):
		x.times = line
	case exSchema.MatchString(line):
		x.in, x.began = &facts.Model{Table: source.FirstGroup(exSchema, line), Class: x.module, Schema: x.prefix, Line: n}, indent
		if x.key == "" {
			x.addField("id", n)
		} else if x.key != "-" {
			x.addField(x.key, n)
		}
	case x.in == nil:
	case line == "end" && indent <= x.began:
		x.r.AddModel(x.in)
		x.in = nil
	default:
		x.readEctoField(n, line)
	}
}

func (x *ectoReader) addField(name string, n int) {
	x.in.Fields = append(x.in.Fields, facts.Field{Field: name, Column: name, Line: n})
}

// readEctoField reads a line of a schema.
func (x *ectoReader) readEctoField(n int, line string) {
	field, owner := source.FirstGroup(exField, line), source.FirstGroup(exOwner, line)
	if field == "" {
		field = source.FirstGroup(exEmbed, line)
	}
	if owner != "" && !exPlain.MatchString(line) {
		if field = source.FirstGroup(exKey, line); field == "" {
			field = owner + "_id"
		}
	}
	switch {
	case field != "" && (exVirt.MatchString(line) || exLeft.MatchString(line)):
	case field != "":
		if source := source.FirstGroup(exSource, line); source != "" {
			field = source
		}
		x.addField(field, n)
		x.in.Fields[len(x.in.Fields)-1].Default = ectoDefaults.Find(line)
	case exTimes.MatchString(line):
		x.addTimestampColumns(n, line)
	case exSoft.MatchString(line):
		x.addField("deleted_at", n)
	case exThrough.MatchString(line):
		x.recordJoinTable(n, line)
	}
}

// addTimestampColumns adds the columns of timestamps(), with the options of the call or of its module.
func (x *ectoReader) addTimestampColumns(n int, line string) {
	names := map[string]string{"inserted_at": "inserted_at", "updated_at": "updated_at"}
	for _, text := range []string{x.times, line} {
		for _, m := range exTime.FindAllStringSubmatch(text, -1) {
			if name, isSource := strings.CutSuffix(m[1], "_source"); m[2] != "" || !isSource {
				names[name] = m[2]
			}
		}
	}
	for _, name := range []string{names["inserted_at"], names["updated_at"]} {
		if name != "" {
			x.addField(name, n)
			x.in.Fields[len(x.in.Fields)-1].Default = facts.DefaultByModel
		}
	}
}

// recordJoinTable records the columns of a table between two schemas.
func (x *ectoReader) recordJoinTable(n int, line string) {
	c := facts.Call{Table: source.FirstGroup(exThrough, line), Line: n, How: facts.Reads}
	if m := exJoins.FindStringSubmatch(line); m != nil {
		c.Words = []facts.Word{{Mark: facts.HashText(m[1]), Line: n}, {Mark: facts.HashText(m[2]), Line: n}}
	}
	x.r.Facts.Calls = append(x.r.Facts.Calls, c)
}

// ectoDefaults say who has the default of a column.
var ectoDefaults = source.DefaultSigns{
	Server: lazyregexp.New(`\bread_after_writes:\s*true`),
	Model:  lazyregexp.New(`\bdefault:\s*[^\sn,]|\bautogenerate:`),
}
