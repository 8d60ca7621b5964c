package database

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// readers are the readers of a publication, as far as statements, names and code show them.
type readers struct {
	// subscription is one that a migration creates. program says that a program reads the changes: it has no tables that must fit.
	subscription string
	program      bool
	evidence     []onward.Evidence
}

// programNames match the publications that these programs make, or that their manuals tell users to make: Debezium, Supabase, PowerSync,
// Electric, Zero, Airbyte, PeerDB and ClickPipes, Fivetran, Sequin, Estuary, Materialize, RisingWave, Redpanda Connect, Conduit, Artie, Hevo, Datastream.
var programNames = lazyregexp.New(`^(dbz_|supabase_|powersync|electric_publication|_zero_|zero_data$|zero_pub|zero$|airbyte|peerdb|peerflow|clickpipes|` +
	`fivetran|sequin|estuary|flow_publication$|materialize|mz_source$|risingwave|rw_publication|pglog_stream_|conduitpub|artie_|hevo|datastream)` +
	`|(^|_)(debezium|cdc|kafka|outbox|realtime)(_|$)`)

// findReaders says who reads a publication. A subscription is evidence that outweighs a name.
func findReaders(p *rule.Pass, c *catalog.Catalog, publication *catalog.Object) (out readers) {
	name := publication.Name.Name
	c.EachObject("subscription", func(o *catalog.Object) bool {
		if slices.Contains(o.Publications, name) {
			out.subscription = max(out.subscription, o.Name.Name)
		}
		return true
	})
	if out.subscription == "" {
		for _, e := range p.Code.UsesName(publication.Name).Evidence {
			if e.Kind == "code" && strings.Contains(strings.ToLower(e.Text), "publication") { // and not any text of that name
				out.evidence = append(out.evidence, e)
			}
		}
		out.program = len(out.evidence) > 0 || programNames.MatchString(name)
	}
	return out
}
