package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
)

// decodeSandbox reads what a command may use: a mapping, or the word require.
func (d *decoder) decodeSandbox(n *yaml.Node) (s Sandbox) {
	if isText(n) && n.Value == "require" {
		return Sandbox{Require: true}
	}
	d.decodeMapping(n, "sandbox", []field{
		{"require", func(n *yaml.Node) { s.Require = d.decodeBool(n) }},
		{"network", func(n *yaml.Node) { s.Network = d.decodeBool(n) }},
		{"read", func(n *yaml.Node) { s.Read = d.decodeTexts(n) }},
		{"write", func(n *yaml.Node) { s.Write = d.decodeTexts(n) }},
	})
	return s
}

// maxTargetsSize limits a file of targets.
const maxTargetsSize = 8 << 20

// TargetEntry is an entry of a file of targets. Its values are as they are written.
type TargetEntry struct {
	Line int
	// Address is an address without a password, or a reference to an address; Password is a reference to its password.
	Address, Password string
	Name, Schema      string
	// Schemas are patterns of schemas.
	Schemas []string
	Labels  map[string]string
}

// DecodeTargets parses a YAML file of targets, which is a list under the key targets. No error quotes a value, because it may have a password.
func DecodeTargets(data []byte, name string) (out []TargetEntry, err error) {
	err = decodeBounded(data, &decoder{path: name}, maxTargetsSize, func(d *decoder, n *yaml.Node) {
		d.decodeMapping(n, "a file of targets", []field{
			{"targets", func(n *yaml.Node) { d.eachElement(n, func(n *yaml.Node) { out = append(out, d.decodeTarget(n)) }) }},
		})
	})
	if err != nil {
		return nil, address.RedactError(err, "") // an address may be in the place of a key
	}
	return out, nil
}

func (d *decoder) decodeTarget(n *yaml.Node) TargetEntry {
	t := TargetEntry{Line: n.Line, Labels: map[string]string{}}
	before := len(d.errs)
	d.decodeMapping(n, "a target", []field{
		{"address", func(n *yaml.Node) { t.Address = d.decodeText(n) }},
		{"name", func(n *yaml.Node) { t.Name = d.decodeText(n) }},
		{"schema", func(n *yaml.Node) { t.Schema = d.decodeText(n) }},
		{"schemas", func(n *yaml.Node) { t.Schemas = d.decodeOneOrMore(n) }},
		{"password", func(n *yaml.Node) { t.Password = d.decodeText(n) }},
		{"labels", func(n *yaml.Node) {
			for _, e := range d.uniqueEntries(n, "labels") {
				t.Labels[e.Key.Value] = d.decodeLabel(e.Value)
			}
		}},
	})
	if strings.TrimSpace(t.Address) == "" && len(d.errs) == before {
		d.addError(n, "address is missing: name a database, or the place of its address (env:NAME, file:PATH or cmd:COMMAND)")
	}
	return t
}

// decodeLabel reads the value of a label: canary: true is the same as canary: "true".
func (d *decoder) decodeLabel(n *yaml.Node) string {
	if isScalar(n, "!!bool") {
		return n.Value
	}
	return d.decodeText(n)
}

// decodeAcceptQueries reads lists of queries by rule.
func (d *decoder) decodeAcceptQueries(n *yaml.Node) map[string][]string {
	out := map[string][]string{}
	for _, entry := range d.uniqueEntries(n, "accept_queries") {
		name := entry.Key.Value
		if !slices.Contains(d.known.Rules, name) {
			d.addError(entry.Key, "unknown rule %s%s; onward rules lists them", name, d.suggestNearest(name, d.known.Rules))
			continue
		}
		list := d.decodeOneOrMore(entry.Value)
		if slices.ContainsFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			d.addError(entry.Value, "accept_queries %s: an empty text would accept every query; rules: {%s: off} does that", name, name)
			continue
		}
		out[name] = list
	}
	return out
}

// decodeRedact reads regular expressions. One that matches the empty text is refused, because it matches everywhere.
func (d *decoder) decodeRedact(n *yaml.Node) []string {
	list := d.decodeOneOrMore(n)
	for _, text := range list {
		switch p, err := regexp.Compile(text); {
		case err != nil:
			d.addError(n, "redact: %q is no regular expression: %v", text, err)
		case p.MatchString(""):
			d.addError(n, "redact: %q matches an empty text", text)
		}
	}
	return list
}

// decodeColumns reads columns, each with its table or a star.
func (d *decoder) decodeColumns(n *yaml.Node) []string {
	list := d.decodeOneOrMore(n)
	for _, text := range list {
		parts := strings.Split(text, ".")
		column := parts[len(parts)-1]
		if len(parts) < 2 || len(parts) > 3 || column == "*" || slices.ContainsFunc(parts, func(part string) bool {
			return part == "" || strings.ContainsAny(part, ` "'`) || part != "*" && strings.Contains(part, "*")
		}) {
			d.addError(n, "redact_columns: %q is no column: write users.email, or '*.email' for each table", text)
		}
	}
	return list
}

// decodeHook reads the settings of onward hook.
func (d *decoder) decodeHook(n *yaml.Node, h *Hook) {
	d.decodeMapping(n, "hook", []field{
		{"disposable", func(n *yaml.Node) {
			d.eachElement(n, func(n *yaml.Node) {
				entry := d.decodeText(n)
				host, database, ok := strings.Cut(entry, "/")
				switch {
				case entry == "": // the decoder has said why
				case strings.Contains(entry, "://") || strings.ContainsAny(entry, "@? "):
					d.addError(n, "disposable is HOST/DATABASE or HOST:PORT/DATABASE, without a user and a password")
				case !ok || host == "" || database == "":
					d.addError(n, "disposable %q: write HOST/DATABASE, such as localhost/app_dev", entry)
				default:
					h.Disposable = append(h.Disposable, entry)
				}
			})
		}},
	})
}

// decodePreflight reads the configuration of onward preflight.
func (d *decoder) decodePreflight(n *yaml.Node, p *Preflight) {
	d.decodeMapping(n, "preflight", []field{
		{"disk", func(n *yaml.Node) { p.Disk = d.decodeQuery(n) }},
		{"backup", func(n *yaml.Node) { p.Backup = d.decodeQuery(n) }},
		{"backup_days", func(n *yaml.Node) { p.BackupDays = d.decodeDays(n) }},
		{"certificate_warning_days", func(n *yaml.Node) { p.CertificateWarningDays = d.decodeDays(n) }},
		{"certificate_error_days", func(n *yaml.Node) { p.CertificateErrorDays = d.decodeDays(n) }},
		{"transaction_age", func(n *yaml.Node) { p.TransactionAge = d.decodeTimeout(n) }},
		{"replica_lag", func(n *yaml.Node) { p.ReplicaLag = d.decodeTimeout(n) }},
		{"slot_wal", func(n *yaml.Node) { p.SlotWAL = Bytes(d.decodeBytes(n, "")) }},
	})
}

// decodeQuery reads one SELECT. Any other statement could have an effect.
func (d *decoder) decodeQuery(n *yaml.Node) string {
	before := len(d.errs)
	text := d.decodeText(n)
	if len(d.errs) > before {
		return ""
	}
	if pgparse.ParseStatement(text).GetSelectStmt() == nil {
		d.addError(n, "a query is needed here: one SELECT with one column")
		return ""
	}
	if reason := outside.RefuseQuery(text); reason != "" {
		d.addError(n, "this query is not run on a production server: %s. Write one SELECT that only reads", reason)
		return ""
	}
	return text
}

// decodeDays reads a number of days.
func (d *decoder) decodeDays(n *yaml.Node) int {
	before := len(d.errs)
	text := d.decodeText(n)
	days, err := strconv.Atoi(text)
	if len(d.errs) == before && (err != nil || days < 1 || days > 3650) {
		d.addError(n, "%q is no number of days: write one from 1 to 3650", text)
		return 0
	}
	return days
}

var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// decodeEnvironment reads variables and their values.
func (d *decoder) decodeEnvironment(n *yaml.Node) []string {
	var out []string
	for _, entry := range d.uniqueEntries(n, "environment") {
		name := entry.Key.Value
		if !variableName.MatchString(name) {
			d.addError(entry.Key, "%q is not the name of a variable", name)
			continue
		}
		out = append(out, name+"="+d.decodeText(entry.Value))
	}
	slices.Sort(out)
	return out
}

// decodeRate returns a number of rows a second: "2200/s".
func (d *decoder) decodeRate(n *yaml.Node) int64 {
	before := len(d.errs)
	text := d.decodeText(n)
	number, suffixed := strings.CutSuffix(text, "/s")
	rate, err := strconv.ParseInt(number, 10, 64)
	if len(d.errs) == before && (!suffixed || err != nil || rate < 1 || rate > 1e9) {
		d.addError(n, "%q is no rate of rows: write 2200/s", text)
		return 0
	}
	return rate
}
