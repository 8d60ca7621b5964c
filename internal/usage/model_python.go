package usage

import (
	"regexp"
	"strings"
)

// Python: SQLAlchemy, SQLModel, peewee, and Django where its models were not asked.
var (
	pyClass   = regexp.MustCompile(`^class (\w+)\(([^)]*)`)
	pyTable   = regexp.MustCompile(`^(?:__tablename__|db_table|table_name|__table_name__)\s*(?::\s*\w+\s*)?=\s*f?["']([\w."]+)["']`)
	pySchema  = regexp.MustCompile(`["']schema["']\s*:\s*["'](\w+)["']|\bschema=["'](\w+)["']`)
	pyField   = regexp.MustCompile(`^(\w+)\s*(?::\s*([^=]+?))?\s*(?:=\s*(.*))?$`)
	pyColumn  = regexp.MustCompile(`\b(?:\w+\.)?(?:Column|mapped_column)\(\s*["'](\w+)["']|\bdb_column\s*=\s*["'](\w+)["']|\bcolumn_name\s*=\s*["'](\w+)["']`)
	pyMapped  = regexp.MustCompile(`\b(?:Column|mapped_column|deferred|column_property)\(|\b\w*Field\(|\bForeignKey\w*\(|^Mapped\[|\.Mapped\[|\bField\(`)
	pyRelated = regexp.MustCompile(`\b(?:relationship|association_proxy|backref|ManyToManyField|GenericRelation|Relationship|property|validates|declared_attr|hybrid_property)\(`)
	pyCore    = regexp.MustCompile(`\bTable\(\s*$|\bTable\(\s*["']([\w.]+)["']`)
	pyTarget  = regexp.MustCompile(`^["']([\w.]+)["'],`)
	pyLoaded  = regexp.MustCompile(`\bautoload(?:_with)?\s*=|\bDeferredReflection\b|\bautomap_base\b`)
)

func pythonModels(r *reader) {
	var in, core *Model
	depth, bases, coreBegins := 0, "", false
	table := false
	flush := func() {
		if in != nil && (in.Table != "" || table || strings.Contains(bases, "models.Model") || strings.Contains(bases, "Model") && len(in.Fields) > 0) {
			r.add(in)
		}
		in, table = nil, false
	}
	all := pyLoaded.Match(r.text)
	r.lines(func(n, indent int, line string) {
		if line == "" || noted(line) {
			return
		}
		if core != nil {
			if t := first(pyTarget, line); coreBegins && t != "" {
				core.Table, coreBegins = t, false
			}
			if c := first(pyColumn, line); c != "" {
				core.Fields = append(core.Fields, Field{Field: c, Column: c, Line: n})
			}
			if depth += strings.Count(line, "(") - strings.Count(line, ")"); depth <= 0 {
				core.All = all && len(core.Fields) == 0
				r.add(core)
				core = nil
			}
			return
		}
		if c := pyClass.FindStringSubmatch(line); c != nil {
			if indent == 0 || in == nil {
				flush()
				bases = c[2]
				in = &Model{Class: c[1], Line: n}
				table = strings.Contains(bases, "table=True")
				all = all || strings.Contains(bases, "DeferredReflection")
			}
			return
		}
		if indent == 0 {
			flush()
		}
		if pyCore.MatchString(line) && strings.Contains(line, "Table(") && !strings.Contains(line, "__table_args__") && !strings.HasPrefix(line, "def ") {
			core = &Model{Table: first(pyCore, line), Line: n}
			coreBegins = core.Table == ""
			for _, m := range pyColumn.FindAllStringSubmatch(line, -1) {
				core.Fields = append(core.Fields, Field{Field: m[1], Column: m[1], Line: n})
			}
			if depth = strings.Count(line, "(") - strings.Count(line, ")"); depth <= 0 {
				core.All = all && len(core.Fields) == 0
				r.add(core)
				core = nil
			}
			return
		}
		if in == nil {
			return
		}
		if t := first(pyTable, line); t != "" {
			in.Table = strings.ReplaceAll(strings.Trim(t, `"`), `"."`, ".")
			in.All = all
			return
		}
		if s := first(pySchema, line); s != "" && (strings.Contains(line, "__table_args__") || strings.HasPrefix(line, "{") || strings.HasPrefix(line, "\"schema") || strings.HasPrefix(line, "'schema")) {
			in.Schema = s
			return
		}
		f := pyField.FindStringSubmatch(line)
		if f == nil || pyRelated.MatchString(line) || strings.HasPrefix(f[1], "__") {
			return
		}
		if pyMapped.MatchString(f[2]) || pyMapped.MatchString(f[3]) || table && f[2] != "" && indent <= 4 {
			in.Fields = append(in.Fields, Field{Field: f[1], Column: first(pyColumn, line), Line: n})
			if strings.Contains(f[3], "ForeignKey(") && !strings.Contains(f[3], "Column(") && !strings.Contains(f[3], "mapped_column(") || strings.Contains(f[3], "OneToOneField(") {
				in.Fields[len(in.Fields)-1].Field = f[1] + "_id" // Django's
			}
		}
	})
	flush()
}
