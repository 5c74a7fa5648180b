"""agbd.py on made-up patches: python3 -m unittest test_agbd  (some seconds, no data; needs npm ci in the folder above)."""
import copy
import dataclasses
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import agbd  # first: sets the threads before torch is loaded
import numpy as np
import torch
from treelib.export import run_onnx


class Patches(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = Path(self.folder.name)
        agbd.synthetic(self.dir / 'patches')

    def tearDown(self):
        self.folder.cleanup()

    def test_a_map_is_learnt_scored_on_other_places_and_exported_with_its_card(self):
        command = [str(self.dir / 'patches'), '--into', str(self.dir / 'model'), '--runs', str(self.dir / 'runs'), '--bands', 'red', 'nir', 'noise', '--width', '12']
        scores = agbd.main([*command, '--steps', '150'])
        self.assertLess(scores['rmse_t_per_ha'], 25)  # the reference alone scatters by 10, biomass by about 60
        self.assertGreater(scores['within_limits_percent'], 85)
        card = json.loads((self.dir / 'model/card.json').read_text())
        self.assertEqual((card['task'], card['input']['bands']), ('regress-raster', ['red', 'nir', 'noise']))
        self.assertEqual(len({s['split'] for s in card['scores']} & {t['region'] for t in card['training']}), 0)
        self.assertTrue((self.dir / 'model/model.onnx').stat().st_size > 1000)
        with self.assertRaisesRegex(SystemExit, 'agbd-agb-map: holds a training with other steps; '):
            agbd.main([*command, '--steps', '151'])

    def test_a_training_that_was_broken_off_goes_on_to_the_same_weights(self):
        places = agbd.read_patches(self.dir / 'patches')
        patches = [patch for place in ('p0', 'p1') for patch in places[place]]
        schedule = dataclasses.replace(agbd.schedule_of(24, 1), batch=4, save_every=12)
        fit = lambda run: agbd.fit(self.dir / run, patches, *agbd.statistics(patches), 4, schedule).state_dict()

        def without(refused):
            def loss_of(outputs, tensors, step):
                if refused(step):
                    os._exit(9)  # as if killed: both processes, at one step
                return agbd_loss(outputs, tensors, step)
            return mock.patch.object(agbd, 'loss_of', loss_of)

        agbd_loss, unbroken = agbd.loss_of, fit('unbroken')
        with without(lambda step: step == 17), self.assertRaisesRegex(RuntimeError, 'broken ended with 9'):
            fit('broken')
        with without(lambda step: step < 12):  # it does not start over
            resumed = fit('broken')
        for name, values in unbroken.items():
            if values.is_floating_point():  # batch norm's count of batches has no use
                self.assertTrue(torch.equal(values, resumed[name]), name)

    def test_other_patches_do_not_go_on_with_a_training(self):
        patches = agbd.read_patches(self.dir / 'patches')['p0']
        agbd.claim(self.dir / 'run', patches, 4, agbd.schedule_of(24, 1))
        agbd.claim(self.dir / 'run', patches, 4, agbd.schedule_of(24, 1))
        with self.assertRaisesRegex(SystemExit, 'holds a training with other patches;'):
            agbd.claim(self.dir / 'run', patches[:1], 4, agbd.schedule_of(24, 1))

    def test_the_exported_network_says_in_the_product_what_it_says_in_pytorch(self):
        torch.manual_seed(1)
        patches = agbd.read_patches(self.dir / 'patches')['p0']
        net, path, (mean, sd) = agbd.Net(3, 8, 150.0).eval(), self.dir / 'model.onnx', agbd.statistics(patches)
        tolerance = agbd.exported(net, path, patches, mean, sd)
        self.assertLess(tolerance, 0.02)
        x = np.random.default_rng(1).normal(0, 2, (2, 3, 21, 50)).astype(np.float32)
        with torch.no_grad():
            want = net(torch.from_numpy(x))
        got = run_onnx(path, [x])[0]
        self.assertEqual(list(got), ['agb', 'agb_sd'])
        for name, values in got.items():
            self.assertGreater(np.ptp(values), 1)  # it is no constant
            np.testing.assert_allclose(values, want[name].numpy(), rtol=0, atol=tolerance)

    def test_a_network_that_the_product_runs_otherwise_is_refused(self):
        patches = agbd.read_patches(self.dir / 'patches')['p0']
        net, write = agbd.Net(3, 4, 150.0), agbd.export

        def other(graph, *args, **rest):
            graph = copy.deepcopy(graph)
            graph.net.head.bias.data += 0.01
            return write(graph, *args, **rest)

        with mock.patch.object(agbd, 'export', other), self.assertRaisesRegex(SystemExit, 'ONNX Runtime and PyTorch differ by .* t/ha'):
            agbd.exported(net, self.dir / 'model.onnx', patches, *agbd.statistics(patches))

    def test_the_reach_of_the_network_lies_within_the_margin(self):
        net = agbd.Net(1, 4, 100.0).eval()
        torch.manual_seed(1)
        x = torch.randn(1, 1, 64, 64)
        y = x.clone()
        y[..., 32, 32] += 5
        changed = (net(x)['agb'] != net(y)['agb'])[0, 0].nonzero()
        self.assertTrue(len(changed) > 0)
        self.assertLessEqual(int((changed - 32).abs().max()), agbd.MARGIN)

    def test_missing_bands_and_references_do_not_count(self):
        places = agbd.read_patches(self.dir / 'patches')
        patch = places['p0'][0]
        x, y, var, known = agbd.batch([patch], np.random.default_rng(1), 2, 48, *agbd.statistics([patch]))
        self.assertTrue(np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(var).all())
        self.assertAlmostEqual(known.mean(), (np.isfinite(patch[1]) & np.isfinite(patch[0]).all(0)).mean(), 6)

    def test_tiff_pairs_read_like_npz(self):
        try:
            from osgeo import gdal
        except ImportError:
            self.skipTest('GDAL has no Python bindings here')
        bands, agb, _ = agbd.read_patch(self.dir / 'patches/p0_0.npz')
        for name, values in (('q_0.tif', bands), ('q_0.agb.tif', np.stack([agb, np.full_like(agb, 10)]))):
            out = gdal.GetDriverByName('GTiff').Create(str(self.dir / name), 48, 48, len(values), gdal.GDT_Float32)
            for k, band in enumerate(values):
                out.GetRasterBand(k + 1).SetNoDataValue(-9999)
                out.GetRasterBand(k + 1).WriteArray(np.nan_to_num(band, nan=-9999))
            out = None
        for a, b in zip(agbd.read_patch(self.dir / 'q_0.tif'), agbd.read_patch(self.dir / 'patches/p0_0.npz')):
            np.testing.assert_array_equal(a, b)

    def test_patches_of_one_place_and_of_other_bands_are_refused(self):
        with self.assertRaisesRegex(SystemExit, 'one place only'):
            agbd.held_out({'p0': []}, 1)
        np.savez(self.dir / 'patches/p9_0.npz', bands=np.zeros((2, 48, 48)), agb=np.zeros((48, 48)))
        with self.assertRaisesRegex(SystemExit, 'p9_0.npz: bands .* all patches have 3 bands'):
            agbd.read_patches(self.dir / 'patches')


if __name__ == '__main__':
    unittest.main()
