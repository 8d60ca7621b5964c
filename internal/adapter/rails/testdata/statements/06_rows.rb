class Rows < ActiveRecord::Migration[6.1]
  class Account < ActiveRecord::Base
    self.table_name = "accounts"
  end

  class Thing < ActiveRecord::Base; end

  def up
    Account.where(name: nil).update_all("score = 1")
    Account.where(score: 1).where("large > 1").delete_all
    Account.where.not(name: nil).update_all("name = 'b'")
    Account.unscoped.where(active: true).update_all("score = 3")
  end
end
