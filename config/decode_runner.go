package config

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Limits of the texts of a runner. Each of them is searched in every file.
const (
	maxMarker       = 200
	maxReplacements = 100
	maxReplacement  = 1000
	maxPatterns     = 100
)

// transactionRun is the value of transaction: for a program that runs all pending migrations in one transaction.
const transactionRun = "run"

// tableText matches a table with or without its columns.
var tableText = lazyregexp.New(`^(?:(?:[A-Za-z_][\w$]*|"[^"]+")\.)?(?:[A-Za-z_][\w$]*|"[^"]+")\s*(?:\([^;]+\))?$`)

// decodeTransaction reads how files are sent. The value run is for a runner only, so its node is kept.
func (d *decoder) decodeTransaction(n *yaml.Node, m *Migrations) (run *yaml.Node) {
	text := d.decodeOneOf(n, "transaction", []string{"file", "message", "pipeline", "none", transactionRun})
	if text == transactionRun {
		m.Transaction = onward.TransactionFile
		return n
	}
	m.Transaction = onward.Transaction(text)
	return nil
}

// decodeRunner reads the description of a team's own program.
func (d *decoder) decodeRunner(n *yaml.Node) *Runner {
	r := &Runner{}
	nodes := map[string]*yaml.Node{}
	marker := func(key string, to *string) field {
		return field{key, func(n *yaml.Node) { nodes[key], *to = n, d.decodeMarker(n, key) }}
	}
	d.decodeMapping(n, "runner", []field{
		{"name", func(n *yaml.Node) { r.Name = d.decodeLine(n, "name") }},
		{"files", func(n *yaml.Node) { r.Files = d.decodePatterns(n) }},
		{"down", func(n *yaml.Node) { r.Down = d.decodePatterns(n) }},
		{"programs", func(n *yaml.Node) { r.Programs = d.decodePatterns(n) }},
		{"order", func(n *yaml.Node) {
			nodes["order"], r.Order = n, Order(d.decodeOneOf(n, "order", []string{string(OrderNumber), string(OrderName)}))
		}},
		{"list", func(n *yaml.Node) { nodes["list"], r.List = n, d.decodeLine(n, "list") }},
		marker("up_marker", &r.UpMarker),
		marker("down_marker", &r.DownMarker),
		marker("no_transaction_marker", &r.NoTransactionMarker),
		{"no_transaction_mode", func(n *yaml.Node) {
			nodes["no_transaction_mode"] = n
			r.NoTransactionMode = onward.Transaction(d.decodeOneOf(n, "mode", []string{string(onward.TransactionMessage), string(onward.TransactionNone)}))
		}},
		{"psql", func(n *yaml.Node) { r.PSQL = d.decodeBool(n) }},
		{"replace", func(n *yaml.Node) { r.Replace = d.decodeReplacements(n) }},
		{"table", func(n *yaml.Node) { r.Table = d.decodeTable(n) }},
	})
	switch {
	case r.List != "" && r.Order != "":
		d.addError(nodes["order"], "order and list are two orders: leave one out")
	case r.UpMarker != "" && r.DownMarker == "":
		d.addError(nodes["up_marker"], "up_marker needs down_marker, at which the up migration ends")
	case r.UpMarker != "" && r.UpMarker == r.DownMarker:
		d.addError(nodes["down_marker"], "up_marker and down_marker are the same: the parts of a file cannot be told apart")
	case r.NoTransactionMode != "" && r.NoTransactionMarker == "":
		d.addError(nodes["no_transaction_mode"], "no_transaction_mode needs no_transaction_marker; transaction is how all other files are sent")
	}
	return r
}

// checkAndCompleteRunner checks the keys of an entry that has a runner. run is the node of transaction: run, if the entry has it.
func (d *decoder) checkAndCompleteRunner(m *Migrations, framework, run, runner *yaml.Node) {
	if m.Runner == nil {
		if run != nil {
			d.addError(run, "transaction: run needs runner, which describes your own program; write file, message, pipeline or none")
		}
		return
	}
	switch {
	case m.Framework != "" && m.Framework != "sql":
		d.addError(framework, "framework %s has its own runner: leave out framework or runner", m.Framework)
	case m.Render != "":
		d.addError(runner, "runner and render are two ways to the same SQL: leave one out")
	case m.Runner.NoTransactionMarker != "" && (m.Transaction == onward.TransactionNone || m.Transaction == onward.TransactionMessage):
		d.addError(runner, "no_transaction_marker has no meaning with transaction: %s, which opens no transaction", m.Transaction)
	}
	m.Framework = "sql"
	m.Runner.Together = run != nil
	if m.Runner.Transaction = m.Transaction; m.Transaction == "" && m.Runner.NoTransactionMarker != "" {
		m.Runner.Transaction = onward.TransactionFile
	}
}

// decodeLine reads a text of one line that is not empty.
func (d *decoder) decodeLine(n *yaml.Node, key string) string {
	before := len(d.errs)
	text := d.decodeText(n)
	if len(d.errs) == before && (strings.TrimSpace(text) == "" || strings.ContainsAny(text, "\r\n")) {
		d.addError(n, "%s is a text of one line", key)
	}
	return text
}

// decodeMarker reads the beginning of a line.
func (d *decoder) decodeMarker(n *yaml.Node, key string) string {
	before := len(d.errs)
	text := strings.TrimSpace(d.decodeLine(n, key))
	if len(d.errs) == before && len(text) > maxMarker {
		d.addError(n, "%s is longer than %d bytes: its beginning is enough", key, maxMarker)
	}
	return text
}

// decodePatterns reads a pattern, or a list of them, of files in the entry's directory.
func (d *decoder) decodePatterns(n *yaml.Node) []string {
	before := len(d.errs)
	list := d.decodeOneOrMore(n)
	if len(d.errs) > before {
		return nil
	}
	if len(list) > maxPatterns {
		d.addError(n, "more than %d patterns: ** matches any number of directories", maxPatterns)
		return nil
	}
	for _, p := range list {
		clean := path.Clean(p)
		switch _, err := path.Match(p, ""); {
		case err != nil || strings.TrimSpace(p) == "":
			d.addError(n, "%q is no pattern: write *.sql, or **/*.sql for all directories", p)
		case path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../"):
			d.addError(n, "%q leads out of the directory of the entry: patterns are relative to dir", p)
		}
	}
	return list
}

// decodeReplacements reads texts with their values.
func (d *decoder) decodeReplacements(n *yaml.Node) map[string]string {
	out := map[string]string{}
	entries := d.uniqueEntries(n, "replace")
	if len(entries) > maxReplacements {
		d.addError(n, "more than %d texts are replaced", maxReplacements)
		return nil
	}
	for _, e := range entries {
		before := len(d.errs)
		text, value := e.Key.Value, ""
		if !isNull(e.Value) {
			value = d.decodeText(e.Value)
		}
		switch {
		case len(d.errs) > before:
		case strings.TrimSpace(text) == "" || len(text) > maxMarker || strings.ContainsAny(text, "\r\n"):
			d.addError(e.Key, "replace: a text to replace has one line and at most %d bytes", maxMarker)
		case len(value) > maxReplacement || strings.ContainsAny(value, "\r\n"):
			d.addError(e.Value, "replace %s: a value has one line and at most %d bytes, so that lines keep their numbers", text, maxReplacement)
		}
		out[text] = value
	}
	return out
}

// decodeTable reads the name of a table, with or without its columns.
func (d *decoder) decodeTable(n *yaml.Node) string {
	before := len(d.errs)
	text := strings.TrimSpace(d.decodeText(n))
	if len(d.errs) == before && !tableText.MatchString(text) {
		d.addError(n, "%q is no table: write ops.migrations, or ops.migrations (name text PRIMARY KEY) with its columns", text)
	}
	return text
}

// Runner describes a team's own program that runs SQL files. Names and patterns are relative to the directory of the entry.
type Runner struct {
	// Name is how reports call the program: bin/migrate. Defaults to "your own runner".
	Name string `yaml:"name"`
	// Files are patterns of the migrations: * within a directory, ** across directories. Defaults to *.sql.
	Files []string `yaml:"files"`
	// Down are patterns of files that undo a migration.
	Down []string `yaml:"down"`
	// Programs are patterns of migrations that are programs. They are listed as not judged.
	Programs []string `yaml:"programs"`
	// Order is how migrations are sorted: by number or by name. Defaults to number.
	Order Order `yaml:"order"`
	// List is a file that names the migrations in their order. The program runs no other file.
	List string `yaml:"list"`
	// UpMarker and DownMarker begin the lines that separate the up and the down migration of a file.
	UpMarker   string `yaml:"up_marker"`
	DownMarker string `yaml:"down_marker"`
	// NoTransactionMarker begins a line of a file that runs without a transaction. NoTransactionMode is how such a file is sent:
	// as one message, the default, or statement by statement.
	NoTransactionMarker string             `yaml:"no_transaction_marker"`
	NoTransactionMode   onward.Transaction `yaml:"no_transaction_mode"`
	// PSQL is set if psql reads the files, so that its own commands count.
	PSQL bool `yaml:"psql"`
	// Replace are texts that the program replaces in a file, with their values: {"{{ .Schema }}": app}.
	Replace map[string]string `yaml:"replace"`
	// Table is the table in which the program records what has run, with or without its columns:
	// "ops.migrations (name text PRIMARY KEY)".
	Table string `yaml:"table"`

	// Together is set if all pending migrations run in one transaction. The entry has transaction: run.
	Together bool `yaml:"-"`
	// Transaction is how a file without a marker is sent; "" if the entry does not say so.
	Transaction onward.Transaction `yaml:"-"`
}

// Order is how migrations are sorted.
type Order string

// The orders. The zero value is OrderNumber.
const (
	OrderNumber Order = "number"
	OrderName   Order = "name"
)

// DisplayName is the program's name in a sentence.
func (r *Runner) DisplayName() string {
	if r.Name == "" {
		return "your own runner"
	}
	return r.Name
}

// IsUp reports whether a file, relative to the entry's directory, is a migration.
func (r *Runner) IsUp(name string) bool {
	files := r.Files
	if len(files) == 0 {
		files = []string{"*.sql"}
	}
	return Accept{Patterns: files}.Match(name) && !r.IsDown(name)
}

// IsDown reports whether a file undoes a migration.
func (r *Runner) IsDown(name string) bool { return Accept{Patterns: r.Down}.Match(name) }

// IsProgram reports whether a file is a migration that is a program.
func (r *Runner) IsProgram(name string) bool {
	return Accept{Patterns: r.Programs}.Match(name) && !r.IsUp(name) && !r.IsDown(name)
}

// HistoryTable splits Table into the name and the list of columns, which is "" if it is not given.
func (r *Runner) HistoryTable() (name, columns string) {
	if n := strings.IndexByte(r.Table, '('); n >= 0 {
		return strings.TrimSpace(r.Table[:n]), r.Table[n:]
	}
	return r.Table, ""
}
