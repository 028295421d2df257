import { it } from "vitest";
import { makeHistory } from "./history.js";
import { makeKeyPairs } from "./key-pair.js";
import { Random } from "./random.js";
import { loadTheirs } from "./their-verdict.js";
import { runHistory, Tally } from "./run.js";
it("x", async () => {
  await loadTheirs();
  const by=new Map<string,{n:number,ex:Set<string>}>(); (globalThis as any).seen=(name:string,d:any)=>{ const o=d.objects; const k=`${name} ${d.what} ${d.onlyOurs?'ours':d.onlyTheirs?'theirs':'differ'} ${d.code}`; const e=by.get(k)??{n:0,ex:new Set<string>()}; e.n++; if(e.ex.size<Number(process.env.E??2)) e.ex.add(JSON.stringify(o).slice(0,Number(process.env.L??500))); by.set(k,e);};
  const pairs = makeKeyPairs(new Random(1));
  const N = Number(process.env.N ?? 200), S=Number(process.env.S??0);
  const tally=new Tally(); const t=performance.now(); const end=t+Number(process.env.T??70)*1000; let i=S;
  for (;i<S+N && performance.now()<end;i++) await runHistory(i,makeHistory(i,pairs),tally);
  console.log(i-S,String(tally),performance.now()-t);
  const want=process.env.C?.split(',');  for (const [k,e] of [...by].sort()) if(!want||want.includes(k.split(' ')[0]!)) console.log(e.n,k+'\n    '+[...e.ex].join('\n    '));
  for (const u of tally.unexplained.slice(0,Number(process.env.M??40))) { const {text,...r}=u; const a=JSON.parse(text);
   console.log(JSON.stringify(r)); if(process.env.V){ const d=a.device_keys?.[u.userId]?.[u.deviceId]; console.log("   ",JSON.stringify(u.deviceId?d:[a.master_keys?.[u.userId],a.self_signing_keys?.[u.userId],a.user_signing_keys?.[u.userId]])?.slice(0,900)); } }
}, 600000);
