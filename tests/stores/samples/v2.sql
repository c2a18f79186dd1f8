PRAGMA application_id=1718840609;
PRAGMA user_version=2;
BEGIN TRANSACTION;
CREATE TABLE approvals (
  number INTEGER PRIMARY KEY,        -- the order of recording
  digest TEXT NOT NULL,
  "by" TEXT NOT NULL,
  at REAL NOT NULL,
  how TEXT NOT NULL,
  used_by TEXT NOT NULL,             -- the run that it served, '' before
  checksum TEXT NOT NULL             -- over all cells before it
);
INSERT INTO "approvals" VALUES(1,'7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1','ann',1763700000.25,'prompt','20261121-0002','f777e9829f43623adc2178e328a3d6cd1d6cd6d03119fefb20b05cf137c4958a');
INSERT INTO "approvals" VALUES(2,'7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1','Zoë',1763700000.25,'approve','','6b44a656e654383804359e3d0020aa9b9c855e85c894163ee9ef2061ad7cbd2d');
CREATE TABLE checkpoints (
  place INTEGER PRIMARY KEY,         -- of the record that it follows
  data BLOB NOT NULL                 -- sealed by itself (fsm.engine.checkpoint)
);
CREATE TABLE plans (
  digest TEXT PRIMARY KEY,           -- SHA-256 of the document
  document BLOB NOT NULL             -- the resolved plan; runs are rewritten too often
);
INSERT INTO "plans" VALUES('7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1',X'7B226964223A2272656C65617365227D');
CREATE TABLE records (
  place INTEGER PRIMARY KEY,         -- runs.number * 2^32 + seq, as SQLite appends quickest
  epoch INTEGER NOT NULL,
  at REAL NOT NULL,
  version INTEGER NOT NULL,          -- of kind and data (fsm.engine.versions)
  kind TEXT NOT NULL,
  data TEXT NOT NULL,                -- JSON
  hash TEXT NOT NULL                 -- over all cells, and the hash before
);
INSERT INTO "records" VALUES(4294967297,1,1763700001.5,2,'RunCreated','{"digest":"7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1","by":"ann"}','eeabc6a4f402049fe19a801a518e73ef09d8c42a7f98807a10a6cb6ee486d9ee');
INSERT INTO "records" VALUES(4294967298,1,1763700002.5,2,'RunStarted','{}','f95c074e8ed8a55cbd7842651f8a8a8822dfbe65791d2ebfdf340ef06db60ea9');
INSERT INTO "records" VALUES(4294967299,1,1763700002.5,2,'StepStarted','{"step":"build","attempt":1}','e8e0031ded94916bb52bb356d49af16dcff14358f5bd3750b01911a8f5270a80');
INSERT INTO "records" VALUES(4294967300,2,1763700003.5,2,'StepFailed','{"step":"build","attempt":1,"error":"exit 2","seconds":0.5,"exit_code":2,"tail":"töö\nline","retry_at":1763700009.0}','08b3296abf53a2b5defcf100321aff9c6915694462808a3287671f0c867daeb3');
INSERT INTO "records" VALUES(8589934593,1,1763700002.5,2,'RunCreated','{"digest":"7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1","by":"ann"}','4aba63a3cfb586ac1650b21038cdd60477df7faf89d0cb1a7ce7948fda7ed4b3');
INSERT INTO "records" VALUES(8589934594,1,1763700003.5,2,'RunStarted','{}','bf76c24f3dd72fde88ba228e902fb3e3c810bb3ffa7132891fa810c255dce045');
INSERT INTO "records" VALUES(8589934595,1,1763700003.5,2,'StepStarted','{"step":"build","attempt":1}','17552226f1f64600c2d4d90edf522acda3aeb356d16ebd47e18140f9d8d1c997');
INSERT INTO "records" VALUES(8589934596,2,1763700004.5,2,'StepFailed','{"step":"build","attempt":1,"error":"exit 2","seconds":0.5,"exit_code":2,"tail":"töö\nline","retry_at":1763700009.0}','2ecd642be08baef04a20c52950d9d1aa6ca4fa2966a5ba5333256baa5cb7ef19');
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,        -- the order of creation; clocks jump
  run_id TEXT NOT NULL UNIQUE,
  plan_id TEXT NOT NULL,
  plan_name TEXT NOT NULL,
  digest TEXT NOT NULL REFERENCES plans,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  state TEXT NOT NULL,
  epoch INTEGER NOT NULL,            -- the newest writer
  seq INTEGER NOT NULL,              -- the last record
  hash TEXT NOT NULL,                -- and its hash, the head of the chain
  checksum TEXT NOT NULL             -- over all cells before it
);
INSERT INTO "runs" VALUES(1,'20261121-0001','release','Release – 1.0','7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1',1763700001.5,1763700003.5,'failed',2,4,'08b3296abf53a2b5defcf100321aff9c6915694462808a3287671f0c867daeb3','f0ab47eeef46d950bfc54dbe4e6c60080119b46cbed2843821af1aaf7712a95b');
INSERT INTO "runs" VALUES(2,'20261121-0002','release','Release – 1.0','7c3e76ee95f5886e29f392f355246e608ea48f513fe9baa66795214c56b808e1',1763700002.5,1763700004.5,'failed',2,4,'2ecd642be08baef04a20c52950d9d1aa6ca4fa2966a5ba5333256baa5cb7ef19','9570f1e1e7427754df876afbcf5abd4ed6ba66bcc140ce2a1a4ff000a4103d4b');
COMMIT;
