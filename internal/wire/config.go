package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Config says where a proxy listens, and which server it serves.
type Config struct {
	// Listen is "host:port", where port 0 takes a free one, or "unix:DIR" for a socket in a
	// directory, as libpq expects it there; "" is "127.0.0.1:0".
	Listen string
	// Server is the server to which the proxy passes on what clients send.
	Server Server
	// TLS is what the proxy shows to clients that want to encrypt (see SelfSigned); nil
	// tells them that there is no encryption.
	TLS *tls.Config
	// Clients decides who gets to a server that asks for no password; nil lets everybody in.
	Clients *Clients
	// Sink sees what is sent; nil records nothing.
	Sink Sink
	// Whole also sees what is sent, if it is not nil: whole messages, up to MaxWhole and MaxWholeRow, with the data of COPY
	// that clients send. Each side's messages are shown before they are passed on.
	Whole Sink
	// Startup returns settings for the start of each session, by name, if it is not nil. The client's own settings
	// stay unchanged.
	Startup func(Startup) map[string]string
	// Tests names the test that a client is in, if it is not nil; see [Startup.Test]. It is called once for each client, with what
	// reports whether a process has the client's connection.
	Tests func(holds func(pid int) bool) (current func() string)
	// SearchPath returns the search_path that the server's settings for a role and a database give their sessions; "" for
	// none. It is called, and waited for, before a client is let in that sets none itself. With nil, nobody is asked.
	SearchPath func(ctx context.Context, user, database string) string
	// BeforeDrop is called, and waited for, before a message is passed on that drops a
	// database, or a schema with what is in it. It is called by the connection's own
	// goroutine: other connections go on. While it runs, a session of its own in that
	// database is in the way of nobody; it has to be closed before BeforeDrop returns.
	BeforeDrop func(ctx context.Context, drop Drop)
	// Grace is for how long Close waits for clients to leave by themselves; 0 is 2 s.
	Grace time.Duration
	// Logger hears of connections that could not be made, at Info, and of what clients do
	// wrong, at Debug; nil is silence. Nothing that a client sent is in it.
	Logger *slog.Logger
}

// Drop is what is about to go.
type Drop struct {
	Database string // the one that goes, or that has the schema
	Schema   string // unquoted; "" where the database goes
}

// Startup is what a client says of itself when it connects, and what the server reports
// of the session at its begin.
type Startup struct {
	User, Database string
	// Parameters are the parameters of the startup message except user and database: application_name, options,
	// search_path.
	Parameters map[string]string
	// Test returns the name of the test that the client is in now; "" if none is known. It is nil if nobody names tests.
	Test func() string
}

// ReadSearchPath returns the search_path that the parameters of a startup message set, by themselves or in options: "-c search_path=a" or
// "--search-path=a"; "" if they set none.
func ReadSearchPath(parameters map[string]string) string {
	path := parameters["search_path"]
	words := strings.Fields(parameters["options"])
	for i, w := range words {
		w = strings.TrimPrefix(w, "--")
		if w = strings.TrimPrefix(w, "-c"); w == "" && i+1 < len(words) {
			w = words[i+1]
		}
		if name, value, found := strings.Cut(w, "="); found && strings.ReplaceAll(name, "-", "_") == "search_path" {
			path = value
		}
	}
	return path
}

// CurrentTest returns the name of the test that the client is in now; "" if none is known.
func (s *Startup) CurrentTest() string {
	if s.Test == nil {
		return ""
	}
	return s.Test()
}

// Sink gets what clients send.
type Sink interface {
	// Session is called for each client that the server has let in. A nil Tap does not
	// record it.
	Session(Startup) Tap
}

// Tap sees the messages of one session, one call at a time. Messages from the client come before the server has
// them, and the server's messages after the client has them (but see [HoldingTap] and [Config.Whole]). body is valid during the call only;
// it is cut at the message's limit, and size is how long it was.
type Tap interface {
	Client(kind byte, body []byte, size int)
	Server(kind byte, body []byte, size int)
	// EndReading is called once no more messages are shown, because a side's messages make no sense.
	EndReading(reason string)
	// Close is called once, after the last message.
	Close()
}

// Limits of what a tap sees of a message, in bytes of its body.
const (
	MaxText  = 1 << 20  // a query's text, a description of columns
	MaxBind  = 64 << 10 // parameters of a query, names
	MaxRow   = 4 << 10  // a row of a result
	MaxShort = 8 << 10  // errors, tags, settings
)

// unseen messages are passed on and not shown.
const unseen = -1

// limits has a limit for each kind of message.
type limits [256]int32

func newLimits(shown map[byte]int32) *limits {
	l := new(limits)
	for i := range l {
		l[i] = unseen
	}
	for kind, n := range shown {
		l[kind] = n
	}
	return l
}

var (
	// clientLimits leaves out the data of COPY (d). Passwords (p) are looked at by
	// relay.password alone, which looks for the name of a mechanism.
	clientLimits = newLimits(map[byte]int32{
		'Q': MaxText, 'P': MaxText, 'B': MaxBind, 'E': MaxShort, 'D': MaxShort, 'C': MaxShort,
		'S': 0, 'H': 0, 'F': 0, 'X': 0, 'c': 0, 'f': 0, 'p': 64,
	})
	// serverLimits leaves out the data of COPY (d, c), notices and notifications (N, A). The
	// keys of cancelling (K) are kept by relay.onServerMessage alone.
	serverLimits = newLimits(map[byte]int32{
		'T': MaxText, 't': MaxText, 'D': MaxRow, 'C': MaxShort, 'E': MaxShort, 'S': MaxShort, 'Z': 1, 'K': 512,
		'1': 0, '2': 0, '3': 0, 'n': 0, 'I': 0, 's': 0, 'G': 0, 'H': 0, 'W': 0, 'V': 0,
	})
)

// Limits of what the taps of [Config.Whole] see of a message, in bytes of its body.
const (
	MaxWhole    = 64 << 20 // what a client sends
	MaxWholeRow = 64 << 10 // a row of a result, an error
)

var (
	wholeClientLimits = newLimits(map[byte]int32{
		'Q': MaxWhole, 'P': MaxWhole, 'B': MaxWhole, 'F': MaxWhole, 'd': MaxWhole, 'f': MaxWhole, 'E': MaxShort, 'D': MaxShort, 'C': MaxShort,
		'S': 0, 'H': 0, 'X': 0, 'c': 0,
	})
	wholeServerLimits = newLimits(map[byte]int32{
		'T': MaxText, 't': MaxText, 'D': MaxWholeRow, 'C': MaxShort, 'E': MaxWholeRow, 'S': MaxShort, 'Z': 1,
		'1': 0, '2': 0, '3': 0, 'n': 0, 'I': 0, 's': 0, 'G': MaxShort, 'H': MaxShort, 'W': MaxShort, 'V': MaxWholeRow,
	})
)

// wholeMessages shows whole messages to a tap of [Config.Whole]. Both sides of a connection are shown before they are
// passed on: what one client sends because of another one's answer comes after that answer, over all connections.
type wholeMessages struct {
	mu         sync.Mutex
	tap        Tap // nil until the server has let the client in
	fromClient framer
	fromServer framer
}

func newWholeMessages() *wholeMessages {
	w := new(wholeMessages)
	w.fromClient = framer{limits: wholeClientLimits, emit: func(kind byte, body []byte, size int) {
		if w.tap != nil {
			w.tap.Client(kind, body, size)
		}
	}}
	w.fromServer = framer{limits: wholeServerLimits, emit: func(kind byte, body []byte, size int) { w.tap.Server(kind, body, size) }}
	return w
}

// setTap sets the tap: the server has let the client in.
func (w *wholeMessages) setTap(tap Tap) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tap = tap
}

// showClientData shows what the client sends.
func (w *wholeMessages) showClientData(p []byte) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.showPiece(&w.fromClient, p, brokenClient)
}

// showServerData shows what the server sends, if the client is in.
func (w *wholeMessages) showServerData(p []byte) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tap != nil {
		w.showPiece(&w.fromServer, p, brokenServer)
	}
}

func (w *wholeMessages) showPiece(from *framer, p []byte, reason string) {
	wasBroken := from.broken
	from.feedPiece(p)
	reportUnreadable(w.tap, wasBroken, from, reason)
}

// closeTap closes the tap.
func (w *wholeMessages) closeTap() {
	if w != nil && w.tap != nil {
		w.tap.Close()
	}
}

// dropText finds what drops a database or a schema. It is asked only of texts that have the
// words, and takes comments for white space.
var (
	dropText    = lazyregexp.New(`(?is)\bdrop\s+(database|schema)\s+(?:if\s+exists\s+)?((?:"(?:[^"]|"")+"|[^\s,;("]+)(?:\s*,\s*(?:"(?:[^"]|"")+"|[^\s,;("]+))*)([^;]*)`)
	dropName    = lazyregexp.New(`"(?:[^"]|"")+"|[^\s,"]+`)
	dropComment = lazyregexp.New(`(?s)/\*.*?\*/|--[^\n]*`)
)

// appendDrops appends the databases and schemas that a message drops: a and b for DROP SCHEMA a, b CASCADE.
func appendDrops(list []Drop, kind byte, body []byte, database string) []Drop {
	if kind == 'P' {
		_, body, _ = bytes.Cut(body, []byte{0})
	}
	body, _, _ = bytes.Cut(body, []byte{0})
	if !hasDrop(body) {
		return list
	}
	text := dropComment.ReplaceAllString(string(body), " ")
	for _, m := range dropText.FindAllStringSubmatch(text, -1) {
		schema := strings.EqualFold(m[1], "schema")
		if schema && !strings.Contains(strings.ToLower(m[3]), "cascade") {
			continue
		}
		for _, name := range dropName.FindAllString(m[2], -1) {
			if name = unquoteName(name); schema {
				list = append(list, Drop{Database: database, Schema: name})
			} else {
				list = append(list, Drop{Database: name})
			}
		}
	}
	return list
}

// hasDrop is quick: nearly no text has the words.
func hasDrop(text []byte) bool {
	for i := 0; ; {
		offset := bytes.IndexAny(text[i:], "dD")
		if offset < 0 || i+offset+4 > len(text) {
			return false
		}
		if i += offset; bytes.EqualFold(text[i:i+4], []byte("drop")) {
			return true
		}
		i++
	}
}

// unquoteName is the name that a written one means.
func unquoteName(name string) string {
	if strings.HasPrefix(name, `"`) {
		return strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
	}
	return strings.ToLower(name)
}
