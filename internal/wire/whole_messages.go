package wire

import "sync"

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
