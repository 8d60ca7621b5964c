package guard

import (
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/wire"
)

// commandRewriter replaces the database's address in the arguments of a command by the proxy's. It refuses an
// argument that names another address, because the command would silently bypass the guard.
type commandRewriter struct {
	serverAddress *serverAddress
	// env is the environment before the proxy's address was put in, later the one after.
	env, later map[string]string
	// allowed are other addresses that the command may have.
	allowed []string
	// changed: an argument has the proxy's address now. libpq: the command uses libpq's variables.
	changed, libpq bool
	// password: libpq would have looked up a password by the server's address.
	password bool
	err      error
}

// rewriteCommand returns a command and its environment with the proxy's address. The error is a
// *config.InputError.
func (p *serverAddress) rewriteCommand(args, env, allowed []string) (newArgs, newEnv []string, err error) {
	newEnv, found := p.rewriteEnvironment(disableSpring(args, env))
	c := &commandRewriter{serverAddress: p, env: wire.ReadEnvironment(env), later: wire.ReadEnvironment(newEnv), allowed: allowed}
	words := newArguments(args)
	c.rewriteSimpleCommand(words)
	if c.err != nil {
		return nil, nil, &config.InputError{Err: c.err}
	}
	if !found && !c.changed {
		return joinArguments(words), p.addressVariables(newEnv), nil
	}
	if c.libpq {
		if c.later["PGHOST"] == "" {
			c.later["PGHOST"], c.later["PGPORT"] = p.host, p.port
		}
		if c.password && c.later["PGPASSWORD"] == "" {
			c.later["PGPASSWORD"] = p.password
		}
		p.disableTLS(c.later)
		newEnv = wire.FormatEnvironment(c.later)
	}
	return joinArguments(words), newEnv, nil
}

// disableSpring returns the environment for a command. A command of Rails must not hand its work to a server of Spring, which has the addresses from
// when it was started.
func disableSpring(args, env []string) []string {
	isRails := func(arg string) bool {
		return slices.ContainsFunc(strings.Fields(arg), func(word string) bool { return path.Base(word) == "rails" || path.Base(word) == "rake" })
	}
	if !slices.ContainsFunc(args, isRails) {
		return env
	}
	return append(slices.Clone(env), "DISABLE_SPRING=1")
}

// setRefusal keeps the first reason. format must not print a password.
func (c *commandRewriter) setRefusal(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *commandRewriter) refuseUnallowedAddress(location, host, port string) {
	if host == "" {
		host = "the default socket"
	}
	if c.isAllowed(host, port) {
		return
	}
	address := host
	if port != "" {
		address = net.JoinHostPort(host, port)
	}
	c.setRefusal("%s names %s, and --db names %s: the command would go around the guard. Write the address of --db, or leave it out: "+
		"the guard sets PGHOST, PGPORT and DATABASE_URL. "+
		"If it is another server that the command needs too, give --allow-address %s", location, address, net.JoinHostPort(c.serverAddress.hosts[0],
		c.serverAddress.ports[0]), address)
}

func (c *commandRewriter) refuseUnreadableAddress(location string) {
	c.setRefusal("the shell puts the address of %s together, so onward cannot read it before the start. "+
		"Write the address of --db, or leave it out: the guard sets PGHOST, PGPORT and DATABASE_URL", location)
}

func (c *commandRewriter) isAllowed(host, port string) bool {
	return slices.ContainsFunc(c.allowed, func(a string) bool {
		h, p, err := net.SplitHostPort(a)
		if err != nil {
			h, p = a, ""
		}
		return normalizeHost(h) == normalizeHost(host) && (p == "" || p == port || port == "" && p == defaultPort)
	})
}

const defaultPort = "5432"

// wrapperPrograms are programs whose arguments are options and then another command.
var wrapperPrograms = []string{
	"env", "sudo", "doas", "nice", "ionice", "timeout", "nohup", "exec", "command", "time", "setsid", "stdbuf",
	"xargs", "npx", "yarn", "pnpm", "bunx", "dotenv", "bundle", "poetry", "uv", "uvx", "pipenv", "pdm", "hatch", "mise",
}

// remotePrograms only call a server of their own, whose sessions run the migrations.
var remotePrograms = map[string]string{"hasura": "the Hasura server"}

var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"}

var assignment = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*=`)

// rewriteSimpleCommand reads one command with its assignments, its runners and its arguments.
func (c *commandRewriter) rewriteSimpleCommand(words []*argument) {
	var local []*argument
	ran := false
	for i, w := range words {
		name := path.Base(w.value)
		switch {
		case assignment.MatchString(w.value):
			local = append(local, w)
			c.rewriteAddress(w)
		case slices.Contains(shells, name):
			c.rewriteAssignments(local)
			c.rewriteShell(words[i+1:])
			return
		case remotePrograms[name] != "":
			c.setRefusal("%s sends the migrations to %s, which runs them in sessions of its own, around the guard. "+
				"Make a plan of them with onward plan, and run it with onward apply --plan", name, remotePrograms[name])
			return
		case shortOptions[name] != "":
			c.rewriteAssignments(local)
			c.rewriteLibpqProgram(name, words[i+1:])
			return
		case slices.Contains(wrapperPrograms, name):
			ran = true
		case !ran: // any other program
			c.rewriteAssignments(local)
			for _, a := range words[i+1:] {
				c.rewriteAddress(a)
			}
			return
		default:
			c.rewriteAddress(w)
		}
	}
	c.rewriteAssignments(local)
}

// rewriteShell reads the script of sh -c.
func (c *commandRewriter) rewriteShell(words []*argument) {
	for i, w := range words {
		option := strings.HasPrefix(w.value, "-") && !strings.HasPrefix(w.value, "--")
		if !option || !strings.Contains(w.value, "c") || i+1 == len(words) {
			continue
		}
		text := words[i+1]
		lookup := func(env map[string]string) func(string) (string, bool) {
			return func(name string) (string, bool) { return env[name], true }
		}
		inner := splitShell(text.value, lookup(c.env))
		for _, command := range inner {
			c.rewriteSimpleCommand(command)
		}
		for _, w := range words[i+2:] { // $0, $1, …
			c.rewriteAddress(w)
		}
		words := slices.Concat(inner...)
		c.keepVariables(words, slices.Concat(splitShell(text.value, lookup(c.later))...))
		if now := joinShell(text.value, words); now != text.value {
			if text.unknown || text.shared {
				c.refuseUnreadableAddress("the shell's text")
			}
			text.replacement = []string{now}
		}
		return
	}
	for _, w := range words {
		c.rewriteAddress(w)
	}
}

// keepVariables leaves a word with variables unchanged if the variables hold the proxy's address by now. A
// password in them then stays out of the arguments.
func (c *commandRewriter) keepVariables(words, expanded []*argument) {
	if len(words) != len(expanded) {
		return
	}
	for i, w := range words {
		if len(w.replacement) == 1 && w.replacement[0] == expanded[i].value {
			w.replacement = nil
		}
	}
}

// replaceWord replaces a word by an address.
func (c *commandRewriter) replaceWord(w *argument, location string, replacement ...string) {
	if w.unknown || w.shared {
		c.refuseUnreadableAddress(location)
		return
	}
	w.replacement, c.changed = replacement, true
}

// rewriteAddress rewrites the addresses in an argument of an arbitrary program: a URL or a connection string, with or
// without an option before it.
func (c *commandRewriter) rewriteAddress(w *argument) {
	c.rewriteAddressIn(w, "", w.value, defaultPort, "an argument of the command")
}

// rewriteAddressIn does the same for a part of a word. It reports whether that part names a host.
func (c *commandRewriter) rewriteAddressIn(w *argument, prefix, text, port, location string) (found bool) {
	now, foreign, hostless := c.serverAddress.replaceAnyDatabase(text, port)
	for _, o := range foreign {
		c.refuseUnallowedAddress(location, o[0], o[1])
	}
	c.libpq = c.libpq || hostless
	if now != text {
		c.replaceWord(w, location, prefix+now)
	}
	return now != text || len(foreign) > 0
}

// rewriteAssignments rewrites libpq's variables before a command: PGHOST=… psql.
func (c *commandRewriter) rewriteAssignments(words []*argument) {
	values := map[string]*argument{}
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
			c.refuseUnreadableAddress(name)
			return
		}
		if name == "PGSERVICE" {
			c.refuseServiceFile(name)
			return
		}
		host, port := firstNonEmpty(value("PGHOSTADDR"), value("PGHOST")), value("PGPORT")
		if !c.serverAddress.hasAllHosts(host, port) {
			c.refuseUnallowedAddress(name, host, port)
			return
		}
		c.libpq = true
		if name == "PGPORT" {
			c.replaceWord(w, name, "PGPORT="+c.serverAddress.port, "PGHOST="+c.serverAddress.host, "PGHOSTADDR=")
		} else {
			c.replaceWord(w, name, "PGHOST="+c.serverAddress.host, "PGPORT="+c.serverAddress.port, "PGHOSTADDR=")
		}
	}
}

func (c *commandRewriter) refuseServiceFile(location string) {
	c.setRefusal("%s takes the address from a service file, around the guard. Leave it out: the guard sets PGHOST, PGPORT and DATABASE_URL", location)
}

// checkAllowedAddresses checks the other addresses that the command may have.
func checkAllowedAddresses(list []string) error {
	for _, a := range list {
		if a == "" || strings.Contains(a, "://") || strings.ContainsAny(a, " @=") {
			return &config.InputError{Err: errors.New("--allow-address is HOST or HOST:PORT, without a user and a database")}
		}
	}
	return nil
}
