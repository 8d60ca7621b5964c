package wire

import "encoding/binary"

// maxFrame is the longest message that Postgres takes or sends.
const maxFrame = 1<<30 + 1<<20

// framer cuts a stream of the Postgres protocol into messages, and calls emit for each. The stream may come in pieces of any size.
// It holds at most the part of one message that the limits let it show.
type framer struct {
	limits *limits
	emit   func(kind byte, body []byte, size int)
	broken bool // a message has an impossible length: nothing more is shown

	head  [5]byte
	nhead int
	body  []byte // what of a message in pieces is shown
	want  int    // how many bytes of it are shown
	left  int    // bytes of the message that are still to come
	size  int
}

// feedPiece takes the next piece.
func (f *framer) feedPiece(p []byte) {
	for len(p) > 0 && !f.broken {
		switch {
		case f.left > 0:
			p = f.continueMessage(p)
		case f.nhead == 0 && len(p) >= 5:
			p = f.takeWholeMessage(p)
		default:
			n := copy(f.head[f.nhead:], p)
			f.nhead += n
			p = p[n:]
			if f.nhead == 5 {
				f.beginMessage(f.head[0], int(binary.BigEndian.Uint32(f.head[1:])))
			}
		}
	}
}

// takeWholeMessage emits a message from the piece itself, without a copy, and returns the rest. It begins a message whose end is not there yet.
func (f *framer) takeWholeMessage(p []byte) []byte {
	kind, size := p[0], int(binary.BigEndian.Uint32(p[1:]))-4
	if size < 0 || size > maxFrame {
		f.broken = true
		return nil
	}
	if len(p) < 5+size {
		f.head[0] = kind
		f.beginMessage(kind, size+4)
		return p[5:]
	}
	if limit := f.limits[kind]; limit != unseen {
		f.emit(kind, p[5:5+min(size, int(limit))], size)
	}
	return p[5+size:]
}

// beginMessage starts a message in pieces.
func (f *framer) beginMessage(kind byte, length int) {
	f.nhead = 0
	f.head[0] = kind
	f.size = length - 4
	if f.size < 0 || f.size > maxFrame {
		f.broken = true
		return
	}
	f.left = f.size
	f.want = min(f.size, int(f.limits[kind]))
	f.body = f.body[:0]
	if f.left == 0 {
		f.endMessage()
	}
}

// continueMessage takes what p has of the message that was begun.
func (f *framer) continueMessage(p []byte) []byte {
	n := min(f.left, len(p))
	if room := f.want - len(f.body); room > 0 {
		f.body = append(f.body, p[:min(n, room)]...)
	}
	if f.left -= n; f.left == 0 {
		f.endMessage()
	}
	return p[n:]
}

func (f *framer) endMessage() {
	if f.limits[f.head[0]] != unseen {
		f.emit(f.head[0], f.body, f.size)
	}
	if cap(f.body) > MaxBind {
		f.body = nil
	}
}
