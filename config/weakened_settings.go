package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// DecodeIn parses a file at a path below a repository's root, like [Load].
func DecodeIn(data []byte, file string, known Known) (*Config, error) {
	c, err := Decode(data, file, known)
	if err == nil {
		c.rebasePaths(path.Dir(file))
	}
	return c, err
}

// ListWeakened returns the settings of the head that may remove findings which the base's settings report: rules: {column-drop: off}.
// severity returns the default severity of a rule.
//
// Every key counts if it differs. For some keys one direction is known to report more, and does not count.
func ListWeakened(base, head *Config, severity func(rule string) onward.Severity) []onward.Weakening {
	w := &weakenings{}
	for _, key := range settingKeys {
		key.compare(w, key.name, base, head, severity)
	}
	return w.list
}

type weakenings struct{ list []onward.Weakening }

func (w *weakenings) addSetting(key, base, head string) {
	w.list = append(w.list, onward.Weakening{Key: key, Base: base, Head: head})
}

// settingKey is a key of onward.yaml, and how its values compare.
type settingKey struct {
	name    string
	compare func(w *weakenings, key string, base, head *Config, severity func(string) onward.Severity)
}

// settingKeys has each key of [Config].
var settingKeys = []settingKey{
	{"postgres", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if slices.ContainsFunc(base.Versions(), func(major int) bool { return !slices.Contains(head.Versions(), major) }) {
			w.addSetting(key, formatValue(base.Versions()), formatValue(head.Versions()))
		}
	}},
	{"base", compareField(func(c *Config) any { return c.Base })},
	{"migrations", compareMigrations},
	{"rules", compareRules},
	{"presets", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		presets := func(c *Config) []onward.Preset {
			if len(c.Presets) == 0 {
				return []onward.Preset{onward.Recommended}
			}
			return c.Presets
		}
		if slices.ContainsFunc(presets(base), func(p onward.Preset) bool { return !slices.Contains(presets(head), p) }) {
			w.addSetting(key, formatValue(presets(base)), formatValue(presets(head)))
		}
	}},
	{"fail_on", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		for _, s := range []onward.Severity{onward.Info, onward.Warning, onward.Error} {
			if base.FailOn.Reached(s) && !head.FailOn.Reached(s) {
				w.addSetting(key, string(cmp.Or(base.FailOn, FailOnError)), string(cmp.Or(head.FailOn, FailOnError)))
				return
			}
		}
	}},
	{"small_tables", compareAdded(func(c *Config) []string { return c.SmallTables })},
	{"small_below", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if a, b := cmp.Or(base.SmallBelow, DefaultSmallBelow), cmp.Or(head.SmallBelow, DefaultSmallBelow); b > a {
			w.addSetting(key, fmt.Sprint(int64(a)), fmt.Sprint(int64(b)))
		}
	}},
	{"throughput", compareField(func(c *Config) any { return c.Throughput })},
	{"assume", compareField(func(c *Config) any { return c.Assume })},
	{"baseline", compareField(func(c *Config) any { return c.Baseline })},
	{"workload", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if slices.ContainsFunc(base.Workload, func(file string) bool { return !slices.Contains(head.Workload, file) }) {
			w.addSetting(key, formatValue(base.Workload), formatValue(head.Workload))
		}
	}},
	{"deprecated", compareRemoved(func(c *Config) map[string]string { return c.Deprecated })},
	{"deprecation_notice_days", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if head.NoticeDays() < base.NoticeDays() {
			w.addSetting(key, fmt.Sprint(base.NoticeDays()), fmt.Sprint(head.NoticeDays()))
		}
	}},
	{"soft_delete", compareField(func(c *Config) any { return c.SoftDelete })},
	{"accept_queries", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		for _, rule := range slices.Sorted(maps.Keys(head.AcceptQueries)) {
			compareAdded(func(c *Config) []string { return c.AcceptQueries[rule] })(w, key+"."+rule, base, head, nil)
		}
	}},
	{"redact", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if slices.ContainsFunc(base.Redact, func(pattern string) bool { return !slices.Contains(head.Redact, pattern) }) {
			w.addSetting(key, formatValue(base.Redact), formatValue(head.Redact))
		}
	}},
	{"redact_columns", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if slices.ContainsFunc(base.RedactColumns, func(column string) bool { return !slices.Contains(head.RedactColumns, column) }) {
			w.addSetting(key, formatValue(base.RedactColumns), formatValue(head.RedactColumns))
		}
	}},
	{"preflight", compareField(func(c *Config) any { return c.Preflight })},
	{"accept_opaque", func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		switch {
		case base.AcceptOpaque.All:
		case head.AcceptOpaque.All:
			w.addSetting(key, formatValue(base.AcceptOpaque.Patterns), "true")
		default:
			compareAdded(func(c *Config) []string { return c.AcceptOpaque.Patterns })(w, key, base, head, nil)
		}
	}},
	{"hook", compareAdded(func(c *Config) []string { return c.Hook.Disposable })},
}

type comparison = func(w *weakenings, key string, base, head *Config, severity func(string) onward.Severity)

// compareField lists any difference.
func compareField(field func(*Config) any) comparison {
	return func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		if a, b := field(base), field(head); !reflect.DeepEqual(a, b) && formatValue(a) != formatValue(b) {
			w.addSetting(key, formatValue(a), formatValue(b))
		}
	}
}

// compareAdded lists new elements.
func compareAdded(field func(*Config) []string) comparison {
	return func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		var added []string
		for _, element := range field(head) {
			if !slices.Contains(field(base), element) {
				added = append(added, element)
			}
		}
		if len(added) > 0 {
			w.addSetting(key, "", formatValue(added))
		}
	}
}

// compareRemoved lists entries that are gone or changed.
func compareRemoved(field func(*Config) map[string]string) comparison {
	return func(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
		for _, name := range slices.Sorted(maps.Keys(field(base))) {
			if a, b := field(base)[name], field(head)[name]; a != b {
				w.addSetting(key+"."+name, a, b)
			}
		}
	}
}

func compareRules(w *weakenings, key string, base, head *Config, severity func(string) onward.Severity) {
	names := slices.Sorted(maps.Keys(base.Rules))
	for _, name := range slices.Sorted(maps.Keys(head.Rules)) {
		if _, ok := base.Rules[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		effective := func(c *Config) onward.Severity {
			if s, ok := c.Rules[name]; ok {
				return s
			}
			return severity(name)
		}
		if effective(head) < effective(base) {
			w.addSetting(key+"."+name, effective(base).String(), effective(head).String())
		}
	}
}

// compareMigrations compares the entries of directories. A file without entries judges what is found, so that a first entry may leave
// directories out.
func compareMigrations(w *weakenings, key string, base, head *Config, _ func(string) onward.Severity) {
	find := func(c *Config, dir string) *Migrations {
		if i := slices.IndexFunc(c.Migrations, func(m Migrations) bool { return m.Dir == dir }); i >= 0 {
			return &c.Migrations[i]
		}
		return nil
	}
	dirs := func(c *Config) (out []string) {
		for _, m := range c.Migrations {
			out = append(out, m.Dir)
		}
		return out
	}
	isGone := slices.ContainsFunc(base.Migrations, func(m Migrations) bool { return find(head, m.Dir) == nil })
	if len(head.Migrations) > 0 && (isGone || len(base.Migrations) == 0) {
		w.addSetting(key, formatValue(dirs(base)), formatValue(dirs(head)))
	}
	for _, dir := range slices.Compact(slices.Sorted(slices.Values(append(dirs(base), dirs(head)...)))) {
		a, b := find(base, dir), find(head, dir)
		if b == nil {
			if len(head.Migrations) > 0 {
				continue // listed above
			}
			b = &Migrations{Dir: dir}
		}
		if a == nil {
			a = &Migrations{Dir: dir}
		}
		for _, field := range migrationFields {
			if x, y := formatValue(field.value(a)), formatValue(field.value(b)); x != y {
				w.addSetting(key+"."+dir+"."+field.name, x, y)
			}
		}
	}
}

// migrationFields are the keys of a directory's entry that decide what is judged. The commands come from the base's file anyway, with
// what they may use.
var migrationFields = []struct {
	name  string
	value func(*Migrations) any
}{
	{"framework", func(m *Migrations) any { return m.Framework }},
	{"transaction", func(m *Migrations) any { return m.Transaction }},
	{"runner", func(m *Migrations) any {
		if m.Runner == nil {
			return ""
		}
		return *m.Runner
	}},
	{"lock_timeout", func(m *Migrations) any { return m.LockTimeout }},
	{"statement_timeout", func(m *Migrations) any { return m.StatementTimeout }},
	{"python", func(m *Migrations) any { return m.Python }},
	{"render", func(m *Migrations) any { return m.Render }},
	{"capture", func(m *Migrations) any { return m.Capture }},
	{"capture_base", func(m *Migrations) any { return m.CaptureBase }},
	{"settings", func(m *Migrations) any { return m.Settings }},
	{"environment", func(m *Migrations) any { return m.Environment }},
	{"sandbox", func(m *Migrations) any { return m.Sandbox }},
	{"render_timeout", func(m *Migrations) any { return m.RenderTimeout }},
	{"static", func(m *Migrations) any { return m.Static }},
	{"accept_unreadable", func(m *Migrations) any { return m.AcceptUnreadable }},
}

// maxValue bounds the text of a value.
const maxValue = 100

// formatValue returns a value for people; "" for the zero value.
func formatValue(v any) string {
	value := reflect.ValueOf(v)
	if !value.IsValid() || value.IsZero() || (value.Kind() == reflect.Slice || value.Kind() == reflect.Map) && value.Len() == 0 {
		return ""
	}
	var text string
	if value.Kind() == reflect.Struct {
		text = formatStruct(value)
	} else {
		text = strings.Trim(fmt.Sprintf("%v", v), "[]{}")
	}
	if len(text) > maxValue {
		text = strings.ToValidUTF8(text[:maxValue], "") + "…"
	}
	return text
}

// formatStruct returns the fields that are set, by the names in the file.
func formatStruct(value reflect.Value) string {
	var out []string
	for i := range value.NumField() {
		name := value.Type().Field(i).Tag.Get("yaml")
		if name = cmp.Or(name, value.Type().Field(i).Name); name != "-" && !value.Field(i).IsZero() {
			out = append(out, fmt.Sprintf("%s %v", name, value.Field(i).Interface()))
		}
	}
	return strings.Join(out, ", ")
}
