-- Who signs is told apart by the key; names are for people. Sign-offs of before have no key and keep their name for it.

ALTER TABLE sign_offs ADD COLUMN key text;
ALTER TABLE sign_offs ADD COLUMN signer text;
UPDATE sign_offs SET signer = actor;
ALTER TABLE sign_offs ALTER COLUMN signer SET NOT NULL;
ALTER TABLE sign_offs DROP CONSTRAINT sign_offs_change_id_gate_actor_evidence_hash_key;
ALTER TABLE sign_offs ADD UNIQUE (change_id, gate, signer, evidence_hash);

-- How often something was done to one thing, such as reading a held-out dataset.
CREATE INDEX audit_by_target ON audit (target, action);
