package guard

import (
	"errors"
	"fmt"
	"net"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
)

// commandRewriter puts the proxy's address where the arguments of a command name the database. It refuses an
// argument that names another place: the command would go around the guard, and nobody would see it.
type commandRewriter struct {
	place *place
	// env is the environment before the proxy's address is in it, later the one after.
	env, later map[string]string
	// allowed are addresses that the command may have although they are not the database's.
	allowed []string
	// changed: an argument has the proxy's address now. libpq: the command takes libpq's variables.
	changed, libpq bool
	// password: a password that libpq would have looked up by the server's address.
	password bool
	err      error
}

// rewriteCommand is a command and its environment by way of the proxy. The error is a *config.InputError.
func (p *place) rewriteCommand(args, env, allowed []string) (newArgs, newEnv []string, err error) {
	newEnv, found := p.environment(env)
	c := &commandRewriter{place: p, env: mapOf(env), later: mapOf(newEnv), allowed: allowed}
	words := wordsOf(args)
	c.simpleCommand(words)
	if c.err != nil {
		return nil, nil, &config.InputError{Err: c.err}
	}
	if !found && !c.changed {
		return joinArguments(words), p.given(newEnv), nil
	}
	if c.libpq {
		if c.later["PGHOST"] == "" {
			c.later["PGHOST"], c.later["PGPORT"] = p.host, p.port
		}
		if c.password && c.later["PGPASSWORD"] == "" {
			c.later["PGPASSWORD"] = p.password
		}
		p.plain(c.later)
		newEnv = listOf(c.later)
	}
	return joinArguments(words), newEnv, nil
}

func mapOf(env []string) map[string]string {
	out := map[string]string{}
	for _, s := range env {
		name, value, _ := strings.Cut(s, "=")
		out[name] = value
	}
	return out
}

func listOf(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}

// refuse keeps the first reason. An address in it has no password.
func (c *commandRewriter) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *commandRewriter) refuseAddress(where, host, port string) {
	if host == "" {
		host = "the default socket"
	}
	if c.isAllowed(host, port) {
		return
	}
	there := host
	if port != "" {
		there = net.JoinHostPort(host, port)
	}
	c.refuse("%s names %s, and --db names %s: the command would go around the guard. Write the address of --db, or leave it out: the guard sets PGHOST, PGPORT and DATABASE_URL. "+
		"If it is another server that the command needs too, give --allow-address %s", where, there, net.JoinHostPort(c.place.hosts[0], c.place.ports[0]), there)
}

func (c *commandRewriter) refuseUnknown(where string) {
	c.refuse("the shell puts the address of %s together, so onward cannot read it before the start. Write the address of --db, or leave it out: the guard sets PGHOST, PGPORT and DATABASE_URL", where)
}

func (c *commandRewriter) isAllowed(host, port string) bool {
	return slices.ContainsFunc(c.allowed, func(a string) bool {
		h, p, err := net.SplitHostPort(a)
		if err != nil {
			h, p = a, ""
		}
		return near(h) == near(host) && (p == "" || p == port || port == "" && p == defaultPort)
	})
}

const defaultPort = "5432"

// runners are programs that run the command that follows their own options.
var runners = []string{"env", "sudo", "doas", "nice", "ionice", "timeout", "nohup", "exec", "command", "time", "setsid", "stdbuf", "xargs", "npx", "bundle", "poetry", "uv", "pipenv"}

var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"}

// keywords begin a command of a shell's text, and another one follows.
var keywords = []string{"{", "!", "if", "then", "else", "elif", "while", "until", "do", "export"}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// simpleCommand reads one command with its assignments, its runners and its arguments.
func (c *commandRewriter) simpleCommand(words []*word) {
	var local []*word
	ran := false
	for i, w := range words {
		name := path.Base(w.value)
		switch {
		case assignment.MatchString(w.value):
			local = append(local, w)
			c.address(w)
		case slices.Contains(shells, name):
			c.assignments(local)
			c.shell(words[i+1:])
			return
		case shortOptions[name] != "":
			c.assignments(local)
			c.libpqProgram(name, words[i+1:])
			return
		case slices.Contains(runners, name) || slices.Contains(keywords, name):
			ran = true
		case !ran: // any other program
			c.assignments(local)
			for _, a := range words[i+1:] {
				c.address(a)
			}
			return
		default:
			c.address(w)
		}
	}
	c.assignments(local)
}

// shell reads the text of sh -c.
func (c *commandRewriter) shell(words []*word) {
	for i, w := range words {
		option := strings.HasPrefix(w.value, "-") && !strings.HasPrefix(w.value, "--")
		if !option || !strings.Contains(w.value, "c") || i+1 == len(words) {
			continue
		}
		text := words[i+1]
		set := assignedNames(text.value)
		lookup := func(env map[string]string) func(string) (string, bool) {
			return func(name string) (string, bool) { return env[name], !slices.Contains(set, name) }
		}
		inner := splitShell(text.value, lookup(c.env))
		for _, one := range splitCommands(inner) {
			c.simpleCommand(one)
		}
		for _, w := range words[i+2:] { // $0, $1, …
			c.address(w)
		}
		c.keepVariables(inner, splitShell(text.value, lookup(c.later)))
		if now := joinShell(text.value, inner); now != text.value {
			if text.unknown || text.shared {
				c.refuseUnknown("the shell's text")
			}
			text.replacement = []string{now}
		}
		return
	}
	for _, w := range words {
		c.address(w)
	}
}

// keepVariables leaves a word to the shell if its variables have the proxy's address by now: a password of theirs
// then stays out of the arguments.
func (c *commandRewriter) keepVariables(words, later []*word) {
	if len(words) != len(later) {
		return
	}
	for i, w := range words {
		if len(w.replacement) == 1 && w.replacement[0] == later[i].value {
			w.replacement = nil
		}
	}
}

func splitCommands(words []*word) (out [][]*word) {
	from := 0
	for i, w := range words {
		if w.separator {
			out = append(out, words[from:i])
			from = i + 1
		}
	}
	return append(out, words[from:])
}

// replace puts an address in the place of a word.
func (c *commandRewriter) replace(w *word, where string, with ...string) {
	if w.unknown || w.shared {
		c.refuseUnknown(where)
		return
	}
	w.replacement, c.changed = with, true
}

// address rewrites the addresses in an argument of a program that onward need not know: a URL or a connection
// string, with or without an option before it.
func (c *commandRewriter) address(w *word) {
	c.addressIn(w, "", w.value, defaultPort, "an argument of the command")
}

// addressIn does so for a part of a word. It reports whether that part names a host.
func (c *commandRewriter) addressIn(w *word, prefix, text, port, where string) (found bool) {
	now, others, hostless := c.place.replaceAny(text, port)
	for _, o := range others {
		c.refuseAddress(where, o[0], o[1])
	}
	c.libpq = c.libpq || hostless
	if now != text {
		c.replace(w, where, prefix+now)
	}
	return now != text || len(others) > 0
}

// assignments rewrites the variables of libpq that stand before a command: PGHOST=… psql.
func (c *commandRewriter) assignments(words []*word) {
	values := map[string]*word{}
	for _, w := range words {
		name, _, _ := strings.Cut(w.value, "=")
		values[name] = w
	}
	value := func(name string) string {
		if w := values[name]; w != nil {
			_, v, _ := strings.Cut(w.value, "=")
			return v
		}
		return c.env[name]
	}
	for _, name := range []string{"PGSERVICE", "PGHOSTADDR", "PGHOST", "PGPORT"} {
		w := values[name]
		if w == nil {
			continue
		}
		if w.unknown {
			c.refuseUnknown(name)
			return
		}
		if name == "PGSERVICE" {
			c.refuseService(name)
			return
		}
		host, port := first(value("PGHOSTADDR"), value("PGHOST")), value("PGPORT")
		if !c.place.isAll(host, port) {
			c.refuseAddress(name, host, port)
			return
		}
		c.libpq = true
		if name == "PGPORT" {
			c.replace(w, name, "PGPORT="+c.place.port, "PGHOST="+c.place.host, "PGHOSTADDR=")
		} else {
			c.replace(w, name, "PGHOST="+c.place.host, "PGPORT="+c.place.port, "PGHOSTADDR=")
		}
	}
}

func (c *commandRewriter) refuseService(where string) {
	c.refuse("%s takes the address from a service file, around the guard. Leave it out: the guard sets PGHOST, PGPORT and DATABASE_URL", where)
}

// checkAllowed checks the addresses that the command may have beside the database's.
func checkAllowed(list []string) error {
	for _, a := range list {
		if a == "" || strings.Contains(a, "://") || strings.ContainsAny(a, " @=") {
			return &config.InputError{Err: errors.New("--allow-address is HOST or HOST:PORT, without a user and a database")}
		}
	}
	return nil
}
