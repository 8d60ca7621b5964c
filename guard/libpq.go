package guard

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// shortOptions are the programs of Postgres' own that take -h and -p, with their short options that have a value.
// The text of the others could be taken for an address: -c 'SELECT …'.
var shortOptions = map[string]string{
	"psql": "cdfFhLopPRTUv", "pg_dump": "deEfFhjnNpStTUZ", "pg_dumpall": "dEfhlpSU", "pg_restore": "dfFhIjLnNpPStTU",
	"vacuumdb": "dhjnNpPtU", "reindexdb": "dhijpStU", "clusterdb": "dhptU", "createdb": "DEhlOpTU", "dropdb": "hpU",
}

// longOptions are long options of these programs with a value that may stand in a word of its own.
var longOptions = []string{
	"command", "file", "set", "variable", "log-file", "output", "field-separator", "pset", "record-separator", "table-attr", "username", "format", "jobs",
	"schema", "exclude-schema", "table", "exclude-table", "exclude-table-data", "encoding", "role", "superuser", "compress", "section", "snapshot", "extension",
	"lock-wait-timeout", "filter", "index", "function", "trigger", "use-list", "locale", "owner", "tablespace", "template", "maintenance-db",
}

// option is one value of an option, in a word.
type option struct {
	kind   byte // h, p, d or U
	word   *word
	prefix string // what stands in the word before the value
	value  string
}

// libpqProgram rewrites the options of psql and the like.
func (c *commandRewriter) libpqProgram(name string, words []*word) {
	c.libpq = true
	options := readOptions(shortOptions[name], words)
	last := map[byte]*option{}
	for i := range options {
		o := &options[i]
		if o.kind == 'C' {
			c.refuse("%s --cluster takes the address from the cluster's settings, around the guard. Leave it out: the guard sets PGHOST and PGPORT", name)
			return
		}
		if o.word.unknown && o.kind != 'U' {
			c.refuseUnknown(name)
			return
		}
		last[o.kind] = o
	}
	host, port := first(c.env["PGHOST"], c.env["PGHOSTADDR"]), first(c.env["PGPORT"], defaultPort)
	if o := last['h']; o != nil {
		host = o.value
	}
	if o := last['p']; o != nil {
		port = o.value
	}
	whole := false
	for i := range options {
		if o := &options[i]; o.kind == 'd' && (strings.Contains(o.value, "=") || strings.Contains(o.value, "://")) {
			if isService(o.value) {
				c.refuseService(name)
				return
			}
			whole = c.addressIn(o.word, o.prefix, o.value, port, name) || whole
		}
	}
	switch {
	case last['h'] != nil || last['p'] != nil && !whole:
		if !c.place.isAll(host, port) {
			c.refuseAddress(name, host, port)
			return
		}
	case whole:
	case c.env["PGSERVICE"] != "" && c.place.service(c.env) == nil:
		c.refuseService("PGSERVICE")
		return
	case host != "" && c.env["PGSERVICE"] == "" && !c.place.isAll(host, port):
		c.refuseAddress("PGHOST", host, port)
		return
	}
	user := c.env["PGUSER"]
	if o := last['U']; o != nil {
		user = o.value
	}
	c.password = c.password || user == c.place.user
	c.replaceOptions(name, options, last)
}

// replaceOptions puts the proxy's address into -h and -p; one that is missing is added to the other.
func (c *commandRewriter) replaceOptions(name string, options []option, last map[byte]*option) {
	for i := range options {
		o := &options[i]
		switch {
		case o.kind == 'h' && last['p'] == nil && o == last['h']:
			c.replace(o.word, name, o.prefix+c.place.host, "-p", c.place.port)
		case o.kind == 'h':
			c.replace(o.word, name, o.prefix+c.place.host)
		case o.kind == 'p' && last['h'] == nil && o == last['p']:
			c.replace(o.word, name, o.prefix+c.place.port, "-h", c.place.host)
		case o.kind == 'p':
			c.replace(o.word, name, o.prefix+c.place.port)
		}
	}
}

// readOptions reads the options that name an address, and the arguments that are no options as getopt_long does.
func readOptions(short string, words []*word) (out []option) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		next := func(kind byte) {
			if i++; i < len(words) {
				out = append(out, option{kind: kind, word: words[i], value: words[i].value})
			}
		}
		switch {
		case w.value == "--":
			for _, w := range words[i+1:] {
				out = append(out, option{kind: 'd', word: w, value: w.value})
			}
			return out
		case strings.HasPrefix(w.value, "--"):
			name, value, has := strings.Cut(w.value[2:], "=")
			switch kind := longOption(name); {
			case kind != 0 && has:
				out = append(out, option{kind, w, "--" + name + "=", value})
			case kind != 0:
				next(kind)
			case !has && slices.Contains(longOptions, name):
				i++
			}
		case strings.HasPrefix(w.value, "-") && len(w.value) > 1:
			at := strings.IndexAny(w.value[1:], short) + 1
			switch {
			case at == 0:
			case at+1 < len(w.value):
				out = append(out, option{w.value[at], w, w.value[:at+1], w.value[at+1:]})
			default:
				next(w.value[at])
			}
		default:
			out = append(out, option{kind: 'd', word: w, value: w.value})
		}
	}
	return out
}

// longOption is the short name of a long option. getopt_long takes the beginning of a name for it.
func longOption(name string) byte {
	for long, kind := range map[string]byte{"host": 'h', "port": 'p', "dbname": 'd', "username": 'U', "cluster": 'C'} {
		if len(name) > 1 && strings.HasPrefix(long, name) {
			return kind
		}
	}
	return 0
}

// isService reports whether a connection string names a service.
func isService(text string) bool {
	return strings.HasPrefix(text, "service=") || strings.Contains(text, " service=") || strings.Contains(text, "?service=") || strings.Contains(text, "&service=")
}

// service is what PGSERVICE stands for; nil if that is not the database.
func (p *place) service(env map[string]string) *pgconn.Config {
	text := "service=" + env["PGSERVICE"]
	if file := env["PGSERVICEFILE"]; file != "" {
		text += " servicefile='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(file) + "'"
	}
	cfg, err := pgconn.ParseConfig(text)
	if err != nil || !p.is(cfg.Host, number(cfg.Port)) {
		return nil
	}
	return cfg
}
