package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// markNoTransaction marks the subscription statements that the server refuses in a transaction block,
// because they change the publisher and cannot be rolled back there.
func (r *run) markNoTransaction(msg any) {
	switch s := msg.(type) {
	case *pgparse.CreateSubscriptionStmt:
		if pgparse.BoolOption(s.GetOptions(), "create_slot", pgparse.BoolOption(s.GetOptions(), "connect", true)) {
			r.NoTransaction = "CREATE SUBSCRIPTION ... WITH (create_slot = true)"
		}
	case *pgparse.DropSubscriptionStmt:
		// One that is not there, or has no slot on the other side, may go.
		o := r.C.Object("subscription", catalog.Name{Name: s.GetSubname()})
		if !s.GetMissingOk() || o != nil || !r.C.Complete && r.C.Unmodelled != nil {
			r.NoTransaction = "DROP SUBSCRIPTION"
		}
	case *pgparse.AlterSubscriptionStmt:
		switch s.GetKind() {
		case pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_REFRESH:
			r.NoTransaction = "ALTER SUBSCRIPTION ... REFRESH"
		case pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_SET_PUBLICATION,
			pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_ADD_PUBLICATION,
			pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_DROP_PUBLICATION:
			if pgparse.BoolOption(s.GetOptions(), "refresh", true) {
				r.NoTransaction = "ALTER SUBSCRIPTION with refresh"
			}
		}
	}
}
