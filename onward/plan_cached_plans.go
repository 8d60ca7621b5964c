package onward

// CachedPlans says which prepared statements a server refuses after a step of a plan: "cached plan must not change result
// type" (SQLSTATE 0A000). They are right again as soon as they are prepared again.
type CachedPlans struct {
	// Columns have another type or collation after the step: "orders.id". Statements that return them are refused.
	Columns []string `json:"columns,omitempty"`
	// Queries are queries of the code that a server found to return other columns after the step, such as SELECT *.
	Queries []string `json:"queries,omitempty"`
}
