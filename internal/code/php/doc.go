// Package php reads what PHP declares to a mapper: Doctrine and Eloquent.
package php
