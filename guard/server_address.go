package guard

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/wire"
)

// serverAddress is the address of a database and the proxy's address, which a command gets instead.
type serverAddress struct {
	text                     string // the address as the user gave it
	hosts, ports             []string
	user, password, database string
	host, port               string // the proxy's address
	verifies                 bool   // the address has the server's certificate verified
	rootFile                 string // the root certificates that the address names
}

// newServerAddress parses an address. The error is an *address.Error.
func newServerAddress(text string) (*serverAddress, error) {
	cfg, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, &address.Error{}
	}
	p := &serverAddress{text: text, user: cfg.User, password: cfg.Password, database: cfg.Database, rootFile: findRootFile(text)}
	if t := cfg.TLSConfig; t != nil {
		p.verifies = !t.InsecureSkipVerify || t.VerifyPeerCertificate != nil
	}
	p.addHost(cfg.Host, cfg.Port)
	for _, f := range cfg.Fallbacks {
		p.addHost(f.Host, f.Port)
	}
	return p, nil
}

func (p *serverAddress) addHost(host string, port uint16) {
	p.hosts, p.ports = append(p.hosts, normalizeHost(host)), append(p.ports, formatPort(port))
}

func formatPort(port uint16) string { return strconv.Itoa(int(port)) }

// normalizeHost returns the same name for all names that this machine has for itself.
func normalizeHost(host string) string {
	switch host = strings.Trim(strings.ToLower(host), "[]"); host {
	case "localhost", "127.0.0.1", "::1":
		return "localhost"
	}
	return host
}

// hasHost reports whether a host, with its port if one is given, is the database's.
func (p *serverAddress) hasHost(host, port string) bool {
	for i, h := range p.hosts {
		if h == normalizeHost(host) && (port == p.ports[i] || port == "" && p.ports[i] == "5432") {
			return true
		}
	}
	return false
}

// hasAllHosts does the same for a list of hosts in libpq's form. An empty list means a socket on this machine.
func (p *serverAddress) hasAllHosts(hosts, port string) bool {
	if hosts == "" {
		return slices.ContainsFunc([]string{"localhost", "/var/run/postgresql", "/tmp"}, func(h string) bool { return p.hasHost(h, port) })
	}
	ports := strings.Split(port, ",")
	for i, h := range strings.Split(hosts, ",") {
		if !p.hasHost(h, ports[min(i, len(ports)-1)]) {
			return false
		}
	}
	return true
}

// urlPattern finds addresses in a text, including jdbc:postgresql://…, postgresql+psycopg://… and ecto://….
var urlPattern = lazyregexp.New("(?i)(?:postgres(?:ql)?[a-z0-9_+]*|pgx[0-9]*|pg|pgsql|postgis|ecto)://[^\\s'\"`<>|;]+")

// encryptionParameters are parameters of an address about encryption. The connection between the command and the proxy is not
// encrypted; the proxy follows the database's own address.
var encryptionParameters = []string{
	"sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslnegotiation", "sslfactory", "sslaccept",
	"sslidentity", "channel_binding", "channelBinding", "uselibpqcompat",
}

// replaceAddress replaces the database's address in a text by the proxy's.
func (p *serverAddress) replaceAddress(text string) string {
	if text == p.text && !urlPattern.MatchString(text) {
		return p.replaceDSN(text, false)
	}
	text = urlPattern.ReplaceAllStringFunc(text, func(s string) string {
		if out, ok := p.replaceURL(s, "", false); ok {
			return out
		}
		return s
	})
	if dsnKeyword.MatchString(text) {
		return p.replaceDSN(text, false)
	}
	return text
}

// replaceAnyDatabase is replaceAddress for an argument: an address of another database of the same server also gets the proxy.
// foreign are the hosts and ports of other servers. hostless: an address leaves the host to libpq's variables.
func (p *serverAddress) replaceAnyDatabase(text, defaultPort string) (now string, foreign [][2]string, hostless bool) {
	now = urlPattern.ReplaceAllStringFunc(text, func(s string) string {
		out, ok := p.replaceURL(s, defaultPort, true)
		if ok {
			return out
		}
		if u, err := url.Parse(s); err == nil {
			host, port := urlHost(u)
			if host == "" {
				hostless = true
			} else {
				foreign = append(foreign, [2]string{host, firstNonEmpty(port, defaultPort)})
			}
		}
		return s
	})
	if now != text || len(foreign) > 0 || !dsnKeyword.MatchString(text) {
		return now, foreign, hostless
	}
	values := keywordValues(text)
	host := firstNonEmpty(values["hostaddr"], values["host"])
	now = p.replaceDSN(text, true)
	switch complete := values["dbname"] != "" || values["database"] != "" && values["username"] != ""; {
	case now != text || !complete:
	case host == "":
		hostless = values["server"] == ""
	default:
		foreign = append(foreign, [2]string{host, firstNonEmpty(values["port"], defaultPort)})
	}
	return now, foreign, hostless
}

// urlHost returns the host and the port of a URL; libpq also accepts both in the query.
func urlHost(u *url.URL) (host, port string) {
	q := u.Query()
	host, port = u.Hostname(), u.Port()
	if u.Host == "" || q.Get("host") != "" {
		host, port = q.Get("host"), firstNonEmpty(q.Get("port"), port)
	}
	return firstNonEmpty(q.Get("hostaddr"), host), port
}

// replaceURL returns an address with the proxy's host, if it is the database's.
func (p *serverAddress) replaceURL(s, defaultPort string, anyDatabase bool) (string, bool) {
	u, err := url.Parse(s)
	if err != nil {
		return s, false
	}
	q := u.Query()
	host, port := urlHost(u)
	name := firstNonEmpty(strings.TrimPrefix(u.Path, "/"), q.Get("dbname"), u.User.Username(), p.database)
	if s != p.text && (!p.hasHost(host, firstNonEmpty(port, defaultPort)) || name != p.database && !anyDatabase) {
		return s, false
	}
	for name := range q {
		if slices.Contains(encryptionParameters, name) || name == "host" || name == "port" || name == "hostaddr" {
			q.Del(name)
		}
	}
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.host+":"+p.port, strings.ReplaceAll(q.Encode(), "+", "%20") // libpq does not decode a plus as a space
	return u.String(), true
}

func firstNonEmpty(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// dsnKeyword finds a setting of a libpq connection string.
var dsnKeyword = lazyregexp.New(`(?i)(^|[\s;])(host|hostaddr|server|port|dbname|database|username|sslmode|sslrootcert|sslcert|sslkey|sslnegotiation|channel_binding|ssl mode)\s*=\s*('[^']*'|[^\s;]+)`)

// keywordValues returns the settings of a connection string.
func keywordValues(text string) map[string]string {
	values := map[string]string{}
	for _, m := range dsnKeyword.FindAllStringSubmatch(text, -1) {
		values[strings.ToLower(m[2])] = strings.Trim(m[3], "'")
	}
	return values
}

// replaceDSN returns a connection string ("host=… port=…") with the proxy's host, if it is the database's.
func (p *serverAddress) replaceDSN(text string, anyDatabase bool) string {
	values := keywordValues(text)
	host := firstNonEmpty(values["host"], values["server"], values["hostaddr"])
	if name := firstNonEmpty(values["dbname"], values["database"]); host == "" || !p.hasHost(host, values["port"]) ||
		name != "" && name != p.database && !anyDatabase {
		return text
	}
	ported := false
	out := dsnKeyword.ReplaceAllStringFunc(text, func(s string) string {
		m := dsnKeyword.FindStringSubmatch(s)
		var value string
		switch name := strings.ToLower(m[2]); name {
		case "dbname", "database", "username":
			return s
		case "host", "server", "hostaddr":
			value = p.host
		case "port":
			value, ported = p.port, true
		case "sslmode", "ssl mode":
			value = "disable"
		default:
			return m[1]
		}
		return m[1] + m[2] + "=" + value
	})
	if !ported {
		separator := " "
		if strings.Contains(text, ";") {
			separator = ";"
		}
		out = strings.TrimRight(out, "; ") + separator + "port=" + p.port
	}
	return out
}

// hostPortSuffixes are the endings of variables that hold a host and its port: PGHOST and PGPORT, DB_HOST and DB_PORT.
var hostPortSuffixes = [][2]string{{"HOST", "PORT"}, {"HOSTNAME", "PORT"}, {"SERVER", "PORT"}, {"HOSTADDR", "PORT"}, {"host", "port"}}

// rewriteEnvironment returns an environment with the proxy's address, and reports whether it contained the database's.
func (p *serverAddress) rewriteEnvironment(list []string) (out []string, found bool) {
	values := wire.ReadEnvironment(list)
	libpq := false
	if values["PGSERVICE"] != "" {
		if cfg := p.serviceConfig(values); cfg != nil {
			p.setServiceVariables(values, cfg)
			libpq, found = true, true
		}
	}
	for name, value := range values {
		if now := p.replaceAddress(value); now != value {
			values[name], found = now, true
		}
	}
	for name, value := range values {
		for _, e := range hostPortSuffixes {
			prefix, ok := strings.CutSuffix(name, e[0])
			if !ok || value == "" || !p.hasHost(value, values[prefix+e[1]]) {
				continue
			}
			values[name], values[prefix+e[1]], found = p.host, p.port, true
			libpq = libpq || prefix == "PG"
			break
		}
	}
	if libpq {
		p.disableTLS(values)
	}
	return wire.FormatEnvironment(values), found
}

// setServiceVariables puts the proxy's address and the other settings of a service into libpq's variables.
func (p *serverAddress) setServiceVariables(values map[string]string, cfg *pgconn.Config) {
	delete(values, "PGSERVICE")
	for name, value := range map[string]string{"PGHOST": p.host, "PGPORT": p.port, "PGUSER": cfg.User, "PGDATABASE": cfg.Database, "PGPASSWORD": cfg.Password} {
		if value != "" {
			values[name] = value
		}
	}
}

// disableTLS removes libpq's variables about encryption.
func (p *serverAddress) disableTLS(values map[string]string) {
	for _, name := range wire.EncryptionVariables() {
		delete(values, name)
	}
	values["PGSSLMODE"] = "disable"
}

// addressVariables returns variables with the proxy's address for a command that has no address at all.
func (p *serverAddress) addressVariables(list []string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.HasPrefix(s, "PGHOSTADDR=") || strings.HasPrefix(s, "PGSERVICE=") })
	u := url.URL{Scheme: "postgresql", User: url.User(p.user), Host: p.host + ":" + p.port, Path: "/" + p.database, RawQuery: "sslmode=disable"}
	out := append([]string{}, list...)
	if p.password != "" {
		u.User = url.UserPassword(p.user, p.password)
		out = append(out, "PGPASSWORD="+p.password)
	}
	return append(out, "DATABASE_URL="+u.String(), "PGHOST="+p.host, "PGPORT="+p.port, "PGUSER="+p.user, "PGDATABASE="+p.database, "PGSSLMODE=disable")
}
