package guard

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
)

// place is where a database is, and what a command is told in its stead.
type place struct {
	text                     string // the address as it was given
	hosts, ports             []string
	user, password, database string
	host, port               string // of the proxy
}

// newPlace reads an address. The error is an *address.Error.
func newPlace(text string) (*place, error) {
	cfg, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, &address.Error{}
	}
	p := &place{text: text, user: cfg.User, password: cfg.Password, database: cfg.Database}
	p.add(cfg.Host, cfg.Port)
	for _, f := range cfg.Fallbacks {
		p.add(f.Host, f.Port)
	}
	return p, nil
}

func (p *place) add(host string, port uint16) {
	p.hosts, p.ports = append(p.hosts, near(host)), append(p.ports, number(port))
}

func number(port uint16) string { return strconv.Itoa(int(port)) }

// near is one name for each that this machine has for itself.
func near(host string) string {
	switch host = strings.Trim(strings.ToLower(host), "[]"); host {
	case "localhost", "127.0.0.1", "::1":
		return "localhost"
	}
	return host
}

// is reports whether a host, at a port where one is given, is where the database is.
func (p *place) is(host, port string) bool {
	for i, h := range p.hosts {
		if h == near(host) && (port == p.ports[i] || port == "" && p.ports[i] == "5432") {
			return true
		}
	}
	return false
}

// isAll is is for a list of hosts, as libpq takes it. No host at all is a socket on this machine.
func (p *place) isAll(hosts, port string) bool {
	if hosts == "" {
		return slices.ContainsFunc([]string{"localhost", "/var/run/postgresql", "/tmp"}, func(h string) bool { return p.is(h, port) })
	}
	ports := strings.Split(port, ",")
	for i, h := range strings.Split(hosts, ",") {
		if !p.is(h, ports[min(i, len(ports)-1)]) {
			return false
		}
	}
	return true
}

// urls finds addresses in a text: also jdbc:postgresql://…, postgresql+psycopg://….
var urls = regexp.MustCompile("(?i)(?:postgres(?:ql)?[a-z0-9_+]*|pgx[0-9]*|pg|pgsql|postgis)://[^\\s'\"`<>|;]+")

// secure are parameters of an address that speak of encryption: between the command and the proxy there
// is none, and the proxy keeps to what the address of the database says.
var secure = []string{"sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslnegotiation", "sslfactory", "sslaccept", "sslidentity", "channel_binding", "channelBinding", "uselibpqcompat"}

// replace puts the proxy's address where the database's stands in a text.
func (p *place) replace(text string) string {
	if text == p.text && !urls.MatchString(text) {
		return p.dsn(text, false)
	}
	text = urls.ReplaceAllStringFunc(text, func(s string) string {
		if out, ok := p.replaceURL(s, "", false); ok {
			return out
		}
		return s
	})
	if keyword.MatchString(text) {
		return p.dsn(text, false)
	}
	return text
}

// replaceAny is replace for an argument: also an address of another database of the same server goes by the proxy.
// others are the hosts and ports that are somewhere else. hostless: an address leaves the host to libpq's variables.
func (p *place) replaceAny(text, defaultPort string) (now string, others [][2]string, hostless bool) {
	now = urls.ReplaceAllStringFunc(text, func(s string) string {
		out, ok := p.replaceURL(s, defaultPort, true)
		if ok {
			return out
		}
		if u, err := url.Parse(s); err == nil {
			host, port := urlHost(u)
			if host == "" {
				hostless = true
			} else {
				others = append(others, [2]string{host, first(port, defaultPort)})
			}
		}
		return s
	})
	if now != text || len(others) > 0 || !keyword.MatchString(text) {
		return now, others, hostless
	}
	values := keywordValues(text)
	host := first(values["hostaddr"], values["host"])
	now = p.dsn(text, true)
	switch complete := values["dbname"] != "" || values["database"] != "" && values["username"] != ""; {
	case now != text || !complete:
	case host == "":
		hostless = values["server"] == ""
	default:
		others = append(others, [2]string{host, first(values["port"], defaultPort)})
	}
	return now, others, hostless
}

// urlHost is the host of a URL and its port; libpq also takes both from the query.
func urlHost(u *url.URL) (host, port string) {
	q := u.Query()
	host, port = u.Hostname(), u.Port()
	if u.Host == "" || q.Get("host") != "" {
		host, port = q.Get("host"), first(q.Get("port"), port)
	}
	return first(q.Get("hostaddr"), host), port
}

// replaceURL is an address by the proxy, where it is one of the database's.
func (p *place) replaceURL(s, defaultPort string, anyDatabase bool) (string, bool) {
	u, err := url.Parse(s)
	if err != nil {
		return s, false
	}
	q := u.Query()
	host, port := urlHost(u)
	name := first(strings.TrimPrefix(u.Path, "/"), q.Get("dbname"), u.User.Username(), p.database)
	if s != p.text && (!p.is(host, first(port, defaultPort)) || name != p.database && !anyDatabase) {
		return s, false
	}
	for name := range q {
		if slices.Contains(secure, name) || name == "host" || name == "port" || name == "hostaddr" {
			q.Del(name)
		}
	}
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.host+":"+p.port, strings.ReplaceAll(q.Encode(), "+", "%20") // libpq takes a plus for one
	return u.String(), true
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// keyword finds a setting of a connection string as libpq has them.
var keyword = regexp.MustCompile(`(?i)(^|[\s;])(host|hostaddr|server|port|dbname|database|username|sslmode|sslrootcert|sslcert|sslkey|sslnegotiation|channel_binding|ssl mode)\s*=\s*('[^']*'|[^\s;]+)`)

// keywordValues are the settings of a connection string.
func keywordValues(text string) map[string]string {
	values := map[string]string{}
	for _, m := range keyword.FindAllStringSubmatch(text, -1) {
		values[strings.ToLower(m[2])] = strings.Trim(m[3], "'")
	}
	return values
}

// dsn is a connection string ("host=… port=…") by the proxy, where it is one of the database's.
func (p *place) dsn(text string, anyDatabase bool) string {
	values := keywordValues(text)
	host := first(values["host"], values["server"], values["hostaddr"])
	if name := first(values["dbname"], values["database"]); host == "" || !p.is(host, values["port"]) || name != "" && name != p.database && !anyDatabase {
		return text
	}
	ported := false
	out := keyword.ReplaceAllStringFunc(text, func(s string) string {
		m := keyword.FindStringSubmatch(s)
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

// endings are those of variables that hold a host and its port: PGHOST and PGPORT, DB_HOST and DB_PORT.
var endings = [][2]string{{"HOST", "PORT"}, {"HOSTNAME", "PORT"}, {"SERVER", "PORT"}, {"HOSTADDR", "PORT"}, {"host", "port"}}

// environment is an environment by the proxy, and says whether the address stood in it.
func (p *place) environment(list []string) (out []string, found bool) {
	values := map[string]string{}
	for _, s := range list {
		name, value, _ := strings.Cut(s, "=")
		values[name] = value
	}
	libpq := false
	if values["PGSERVICE"] != "" {
		if cfg := p.service(values); cfg != nil {
			p.setService(values, cfg)
			libpq, found = true, true
		}
	}
	for name, value := range values {
		if now := p.replace(value); now != value {
			values[name], found = now, true
		}
	}
	for name, value := range values {
		for _, e := range endings {
			prefix, ok := strings.CutSuffix(name, e[0])
			if !ok || value == "" || !p.is(value, values[prefix+e[1]]) {
				continue
			}
			values[name], values[prefix+e[1]], found = p.host, p.port, true
			libpq = libpq || prefix == "PG"
			break
		}
	}
	if libpq {
		p.plain(values)
	}
	out = make([]string, 0, len(values))
	for name, value := range values {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out, found
}

// setService puts the proxy's address and the rest of a service into libpq's variables.
func (p *place) setService(values map[string]string, cfg *pgconn.Config) {
	delete(values, "PGSERVICE")
	for name, value := range map[string]string{"PGHOST": p.host, "PGPORT": p.port, "PGUSER": cfg.User, "PGDATABASE": cfg.Database, "PGPASSWORD": cfg.Password} {
		if value != "" {
			values[name] = value
		}
	}
}

// plain takes away what libpq's variables say of encryption.
func (p *place) plain(values map[string]string) {
	for _, name := range []string{"PGHOSTADDR", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGCHANNELBINDING", "PGSSLNEGOTIATION", "PGREQUIRESSL"} {
		delete(values, name)
	}
	values["PGSSLMODE"] = "disable"
}

// given are variables for a command that has no address at all.
func (p *place) given(list []string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.HasPrefix(s, "PGHOSTADDR=") || strings.HasPrefix(s, "PGSERVICE=") })
	u := url.URL{Scheme: "postgresql", User: url.User(p.user), Host: p.host + ":" + p.port, Path: "/" + p.database, RawQuery: "sslmode=disable"}
	out := append([]string{}, list...)
	if p.password != "" {
		u.User = url.UserPassword(p.user, p.password)
		out = append(out, "PGPASSWORD="+p.password)
	}
	return append(out, "DATABASE_URL="+u.String(), "PGHOST="+p.host, "PGPORT="+p.port, "PGUSER="+p.user, "PGDATABASE="+p.database, "PGSSLMODE=disable")
}
