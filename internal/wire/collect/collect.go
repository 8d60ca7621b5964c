// Package collect makes a workload of what a proxy shows: each distinct query once, without its values, counted,
// with its senders and its order.
//
// Its memory is bounded, whatever is sent: there are limits for distinct queries, sequences and parsed texts.
// What exceeds them is counted, and noted in the workload. Unless values are requested, only their hashes are
// kept, until the end of a sequence. The exception is string literals: a few texts are kept for each query,
// because only the server can say which of them name objects.
package collect

import (
	"hash/maphash"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// Config says what the collector knows beforehand.
type Config struct {
	// Owner is the role of queries without a Role: the owner of a throwaway database.
	Owner string
	// Books are the names of tables in which migration tools keep what has run, without
	// schemas, in lower case.
	Books []string
	// OnError, if it is there, hears of each query that the server refuses, before the next
	// message of its session is looked at. It must not call the collector.
	OnError func(Failure)
	// Values keeps a few examples of what each query's parameters were. They are data.
	Values bool
	// MaxQueries and MaxSequences bound how many distinct ones are kept; 0 is 50,000 and 20,000.
	MaxQueries, MaxSequences int
}

// Failure is a query that the server refused.
type Failure struct {
	SQLSTATE string
	Query    string // its ID
	SQL      string // without its values
	Mark     workload.Mark
	Sender   workload.Sender // Calls has no meaning
}

// Bounds that nobody has to change.
const (
	maxTexts    = 16 << 10 // texts whose reading is kept
	maxForms    = 64 << 10
	maxSQL      = 96 << 20 // bytes of distinct queries' texts
	maxSteps    = 500      // of a sequence
	maxSenders  = 64       // of a query
	maxPeople   = 20_000   // senders of all
	maxPrepared = 20_000   // statements of a session
	maxQueued   = 1 << 18  // messages of a session that wait for their answers
)

// Collector is a wire.Sink. Its methods may be called concurrently.
type Collector struct {
	cfg   Config
	seed  [2]maphash.Seed
	books map[string]bool
	types *pgtype.Map // for reading values; guarded by mu

	texts *recent[key, *text]
	forms *recent[key, *form]

	mu        sync.Mutex // over all below, and all queries' counts
	shapes    map[string]*shape
	queries   map[queryKey]*query
	sequences map[uint64]*sequence
	people    map[workload.Sender]*person
	bytes     int
	serial    uint64
	left      leftOut
}

// leftOut counts what is not in the workload.
type leftOut struct {
	long, many, sequences, calls int64
	why                          map[string]int64
}

// key is a text's: two hashes, so that no two texts have one.
type key [2]uint64

// New makes an empty collector.
func New(cfg Config) *Collector {
	if cfg.MaxQueries == 0 {
		cfg.MaxQueries = 50_000
	}
	if cfg.MaxSequences == 0 {
		cfg.MaxSequences = 20_000
	}
	c := &Collector{
		cfg:       cfg,
		seed:      [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		books:     map[string]bool{},
		types:     pgtype.NewMap(),
		texts:     newRecent[key, *text](maxTexts),
		forms:     newRecent[key, *form](maxForms),
		shapes:    map[string]*shape{},
		queries:   map[queryKey]*query{},
		sequences: map[uint64]*sequence{},
		people:    map[workload.Sender]*person{},
		left:      leftOut{why: map[string]int64{}},
	}
	for _, b := range cfg.Books {
		c.books[b] = true
	}
	return c
}

// Session starts the recording of one client.
func (c *Collector) Session(start wire.Startup) wire.Tap { return newSession(c, start) }

// textKey returns the key of a text.
func (c *Collector) textKey(text []byte) key {
	return key{maphash.Bytes(c.seed[0], text), maphash.Bytes(c.seed[1], text)}
}
