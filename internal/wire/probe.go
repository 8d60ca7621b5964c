package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
)

// ProbedTap is a HoldingTap that asks the server something at the end of a client's message, before the transaction of that
// message can end. The client sees neither the question nor the answer.
type ProbedTap interface {
	HoldingTap
	// Question is an expression in SQL.
	Question() string
	// Probe is called after Client was shown a query (Q) or a Sync (S). It reports whether the server is asked. No other
	// question may be open.
	Probe(kind byte) bool
	// Probed gets the answer, before Server is shown the end of the message (Z). It reports whether the value is NULL.
	// It is not called if an error of the server came first.
	Probed(isNull bool)
}

// probe adds a query to the messages of a client, and takes its answer out of those of the server.
type probe struct {
	tap    ProbedTap
	column string // the name of the answer's column, which nobody else has

	// Of the goroutine that reads the client.
	asks   []bool // for each query and Sync that the tap was shown and that was not passed on
	client pieces

	// Of both, under the relay's mutex.
	open     bool // an answer is outstanding
	extended bool // the question was asked by messages of the extended protocol
	// Of the goroutine that reads the server.
	server  pieces
	held    [][]byte // messages that may belong to the answer
	inside  bool     // the answer has begun
	closing int      // what is closed and not answered yet
}

// probeName is the name of the statement and the portal. Both are closed before the client's next message.
const probeName = "onward probe"

// newProbe returns a probe.
func newProbe(tap ProbedTap) *probe {
	return &probe{tap: tap, column: probeName + " " + rand.Text()}
}

// probeSQL returns the query. Its column is called as nobody else's.
func (b *probe) probeSQL() string { return "SELECT " + b.tap.Question() + ` AS "` + b.column + `"` }

// askTap asks the tap about a message that it was shown.
func (b *probe) askTap(kind byte) {
	asked := b.tap.Probe(kind)
	b.asks = append(b.asks, asked)
	if asked {
		b.open, b.extended = true, kind == 'S'
	}
}

// pieces cuts a stream into whole messages, but passes on long ones in pieces.
type pieces struct {
	rest   []byte // the beginning of a message
	passes int    // bytes of a long message that are still to come
}

// splitMessages calls whole for each message of at most limit bytes, and part for the pieces of longer ones.
func (c *pieces) splitMessages(p []byte, limit int, whole, part func([]byte)) {
	for len(p) > 0 {
		if c.passes > 0 {
			n := min(c.passes, len(p))
			part(p[:n])
			p, c.passes = p[n:], c.passes-n
			continue
		}
		if missing := 5 - len(c.rest); missing > 0 {
			n := min(missing, len(p))
			c.rest, p = append(c.rest, p[:n]...), p[n:]
			if len(c.rest) < 5 {
				return
			}
		}
		size := int(binary.BigEndian.Uint32(c.rest[1:])) + 1
		if size > limit || size < 5 {
			part(c.rest)
			c.passes, c.rest = max(0, size-len(c.rest)), nil
			continue
		}
		n := min(size-len(c.rest), len(p))
		c.rest, p = append(c.rest, p[:n]...), p[n:]
		if len(c.rest) == size {
			message := c.rest
			c.rest = nil
			whole(message)
		}
	}
}

// addQuestions returns what the client sent, with the questions.
func (b *probe) addQuestions(p []byte) (out []byte) {
	keep := func(m []byte) { out = append(out, m...) }
	b.client.splitMessages(p, MaxText+5, func(m []byte) {
		kind := m[0]
		if kind != 'Q' && kind != 'S' || len(b.asks) == 0 {
			keep(m)
			return
		}
		ask := b.asks[0]
		b.asks = b.asks[1:]
		switch {
		case !ask:
			keep(m)
		case kind == 'Q':
			text, _, _ := bytes.Cut(m[5:], []byte{0})
			out = appendMessage(out, 'Q', string(text)+"\n;"+b.probeSQL()+"\x00")
		default:
			out = appendMessage(out, 'P', probeName+"\x00"+b.probeSQL()+"\x00\x00\x00")
			out = appendMessage(out, 'B', probeName+"\x00"+probeName+"\x00\x00\x00\x00\x00\x00\x00")
			out = appendMessage(out, 'D', "P"+probeName+"\x00")
			out = appendMessage(out, 'E', probeName+"\x00\x00\x00\x00\x00")
			out = appendMessage(out, 'C', "P"+probeName+"\x00") // in a transaction block it would stay
			out = appendMessage(out, 'C', "S"+probeName+"\x00")
			keep(m)
		}
	}, keep)
	return out
}

func appendMessage(out []byte, kind byte, body string) []byte {
	out = append(out, kind)
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)+4))
	return append(out, body...)
}

// stripAnswer returns what the server sent, without the answer, which the tap gets.
func (b *probe) stripAnswer(p []byte) (out []byte) {
	flush := func() {
		for _, m := range b.held {
			out = append(out, m...)
		}
		b.held = nil
	}
	b.server.splitMessages(p, MaxShort, func(m []byte) {
		kind := m[0]
		switch {
		case !b.open:
			out = append(out, m...)
		case b.inside && kind == 'D':
			b.tap.Probed(len(m) >= 11 && binary.BigEndian.Uint32(m[7:]) == 1<<32-1)
		case b.inside && kind == 'C':
			b.inside = b.extended // what is closed is answered, too
			b.closing = 2
		case b.inside && kind == '3':
			b.closing--
			b.inside = b.closing > 0
		case kind == 'T' && bytes.HasPrefix(m[7:], []byte(b.column+"\x00")):
			b.inside = true
			if b.extended {
				b.dropHeldMessage('2')
				b.dropHeldMessage('1')
			}
			flush()
		case b.extended && (kind == '1' || kind == '2'), len(b.held) > 0 && (kind == 'N' || kind == 'S' || kind == 'A'):
			b.held = append(b.held, m)
		default:
			flush()
			out = append(out, m...)
			if kind == 'Z' {
				b.open, b.inside = false, false
			}
		}
	}, func(part []byte) {
		flush()
		out = append(out, part...)
	})
	return out
}

// dropHeldMessage removes the last held message of a kind.
func (b *probe) dropHeldMessage(kind byte) {
	for i := len(b.held) - 1; i >= 0; i-- {
		if b.held[i][0] == kind {
			b.held = append(b.held[:i], b.held[i+1:]...)
			return
		}
	}
}
