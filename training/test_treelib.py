"""Checks of the shared pieces: /usr/bin/python3 -m unittest test_treelib (from this folder; no data needed)."""
import os
import tempfile
import unittest
from pathlib import Path

from treelib.sgd import Schedule, train  # first: sets the threads before torch is loaded
import numpy as np
import torch
from treelib.jitter import compress, jitter, strips
from treelib.net import soften
from treelib.pictures import Bank, Windows, into_crops, moments
from treelib.score import average_precision, bootstrap, box_iou, match_objects, match_points, objects
from treelib.teacher import turned
import count
import crown
import dead
import scales


def drawn(seed, any_turn):
    """A dark picture with a bright pixel, and a window around it."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((90, 120, 4), np.uint8)
    x, y = 40 + seed % 30, 30 + seed % 25
    picture[y, x] = 255
    bank = Bank([np.full((70, 70, 4), 9, np.uint8), picture], 'cpu')
    return bank, bank.draw(rng, np.array([1]), np.array([64 / rng.uniform(0.6, 1.6)]), np.array([[x, y]]), any_turn), (x + 0.5, y + 0.5)


class Crops(unittest.TestCase):
    def test_a_bright_pixel_lies_where_its_point_is_mapped_to(self):
        seen = 0
        for seed in range(60):
            bank, windows, point = drawn(seed, any_turn=seed % 2 == 0)
            pixels = bank.cut(windows, 64, finer=2)[0, 0].numpy().astype(float)
            (px, py), total = into_crops(windows, [np.array([point])], 64)[0, 0], pixels.sum()
            if not (3 < px < 61 and 3 < py < 61):
                continue
            seen += 1
            rows, cols = np.mgrid[:64, :64] + 0.5
            self.assertLess(np.hypot((cols * pixels).sum() / total - px, (rows * pixels).sum() / total - py), 0.3)
        self.assertGreater(seen, 40)

    def test_a_quarter_turn_without_scale_moves_pixels_unchanged(self):
        picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        bank = Bank([picture], 'cpu')
        for turn in range(4):
            windows = Windows(np.array([0]), np.array([[16.0, 16.0]]), np.array([32.0]), np.array([turn * np.pi / 2]), np.array([turn % 2 == 1]))
            got = bank.cut(windows, 32)[0].permute(1, 2, 0).numpy()
            want = np.rot90(picture, turn)
            self.assertLess(np.abs(got - (want[:, ::-1] if turn % 2 else want)).max(), 0.01)

    def test_beyond_the_picture_is_outside_and_0(self):
        bank = Bank([np.full((40, 60, 3), 200, np.uint8), np.full((80, 80, 3), 200, np.uint8)], 'cpu')
        windows = bank.draw(np.random.default_rng(1), np.array([0, 1]), np.array([64.0, 64.0]), any_turn=False)
        inside, x = bank.inside(windows, 64)[:, 0], bank.cut(windows, 64)
        self.assertEqual([int(n) for n in inside.sum((1, 2))], [60 * 40, 64 * 64])
        self.assertTrue((x[0][:, ~inside[0]] <= 100).all() and (x[1] > 199).all())  # the edge is shared by halves

    def test_strips_void_an_edge_and_leave_the_rest(self):
        keep = strips(np.random.default_rng(1), 6, 40, share=1)
        self.assertEqual(keep.shape, (6, 1, 40, 40))
        for k in keep[:, 0]:
            self.assertTrue(0 < (~k).sum() < 0.4 * 1600 and (k.all(0).any() or k.all(1).any()))

    def test_jitter_keeps_levels_in_range_and_drops_nir_only(self):
        x = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (8, 4, 32, 32)).astype(np.float32))
        out = jitter(np.random.default_rng(3), x, drop_nir=1.0)
        self.assertTrue((out >= 0).all() and (out <= 255).all() and (out[:, 3] == 0).all() and (out[:, 0] > 0).any())

    def test_compression_rounds_cosines_and_0_leaves_a_picture(self):
        x = torch.from_numpy(np.random.default_rng(5).integers(0, 256, (3, 4, 32, 48)).astype(np.float32))
        out = compress(x, [0, 2, 40])
        error = (out - x).abs().mean((1, 2, 3))
        self.assertLess(float(error[0]), 1e-4)
        self.assertTrue(0.3 < error[1] < 4 < error[2])
        flat = torch.full((1, 3, 16, 16), 96.0)  # its one cosine is 8 x 96
        self.assertLess(float((compress(flat, [16]) - flat).abs().max()), 1e-3)

    def test_softening_keeps_what_is_smooth_and_takes_colour_of_single_pixels(self):
        ramp = torch.arange(32.0).expand(1, 4, 32, 32) + torch.tensor([10.0, 20, 30, 40])[None, :, None, None]
        self.assertLess(float((soften(ramp) - ramp)[..., 2:-2].abs().max()), 1e-4)
        checks = torch.zeros(1, 4, 32, 32)
        checks[:, 0, ::2, ::2] = checks[:, 0, 1::2, 1::2] = 3
        self.assertLess(float((soften(checks)[:, 0] - soften(checks)[:, 1]).sub(1.5).abs().max()), 1e-4)  # red on average, everywhere


def tensor(v):
    return torch.tensor(v, dtype=torch.float32)


class Targets(unittest.TestCase):
    def test_density_sums_to_the_count_even_at_the_edge(self):
        none = [float('nan')] * 2
        density, heat = count.targets(tensor([[(0.2, 0.2), (88.0, 30.0), (175.9, 175.9)], [(40.0, 40.0), none, none]]), 88, torch.ones(2, 88, 88))
        self.assertTrue(np.allclose(density.sum((1, 2, 3)), [3, 1], atol=1e-4))
        self.assertEqual([int(n) for n in (heat == 1).sum((1, 2, 3))], [3, 1])

    def test_density_lies_where_the_survey_is(self):
        keep = torch.ones(1, 88, 88)
        keep[:, :, :20] = 0  # void up to 40 px
        density, _ = count.targets(tensor([[(41.0, 90.0), (120.0, 90.0)]]), 88, keep)
        self.assertAlmostEqual(float(density.sum()), 2, places=4)
        self.assertEqual(float(density[..., :20].sum()), 0)

    def test_a_teacher_is_turned_back(self):
        x = torch.from_numpy(np.random.default_rng(6).normal(size=(2, 4, 32, 32)).astype(np.float32))
        for turn in range(8):
            (got,) = turned(lambda v: v[:, :1] * 2, x, turn)
            self.assertTrue(torch.equal(got, x[:, :1] * 2))

    def test_heat_is_the_nearest_trees_gaussian(self):
        points = np.random.default_rng(4).uniform(0, 176, (1, 30, 2))
        heat = count.targets(tensor(points), 88, torch.ones(1, 88, 88))[1][0, 0].numpy()
        cells = np.rint(points[0] / count.STRIDE - 0.5).clip(0, 87)
        r, c = np.mgrid[:88, :88]
        near = np.min([(r - y) ** 2 + (c - x) ** 2 for x, y in cells], 0)
        want = np.exp(-near / (2 * count.HEAT_SD ** 2))
        self.assertLess(np.abs(heat - want)[near <= 36].max(), 1e-6)
        self.assertLess(np.abs(heat - want).max(), 1e-3)

    def test_peaks_find_the_points_of_a_clean_heat(self):
        points = np.array([(21.0, 33.0), (60.0, 60.0), (100.0, 35.0)])
        found = count.peaks(count.targets(tensor(points[None]), 88, torch.ones(1, 88, 88))[1][0, 0].numpy(), 0.5)
        self.assertEqual(len(found), 3)
        self.assertLess(np.abs(np.sort(found, 0) - np.sort(points, 0)).max(), 1.5)

    def test_boxes_come_back_from_their_own_targets(self):
        boxes = np.array([(10.0, 12, 40, 44), (80, 60, 140, 130)])
        heat, dist, weight = crown.targets(tensor([*boxes, [float('nan')] * 4])[None], 40)
        found, _ = crown.boxes_of((heat[0, 0].numpy(), dist[0].numpy()), 0.9, gsd=crown.GSD)
        self.assertGreater(box_iou(found, boxes).max(1).min(), 0.99)
        self.assertEqual(float(weight[0, 39, 0]), 0)

    def test_where_boxes_overlap_the_smaller_is_measured(self):
        _, dist, _ = crown.targets(tensor([[(0, 0, 160, 160), (70, 70, 92, 92)]]), 40)
        self.assertEqual(dist[0, :, 20, 20].tolist(), [12, 12, 10, 10])  # cell (20, 20) has its middle at 82 px


class Scores(unittest.TestCase):
    def test_matching_takes_most_pairs(self):
        i, j = match_points(np.array([(0.0, 0), (4, 0)]), np.array([(3.0, 0), (9, 0)]), 5)
        self.assertEqual(len(i), 2)  # nearest first would pair (4, 0) with (3, 0) and leave the others

    def test_iou_and_average_precision_by_hand(self):
        a, b = np.array([(0.0, 0, 2, 2)]), np.array([(1.0, 0, 3, 2)])
        self.assertAlmostEqual(float(box_iou(a, b)[0, 0]), 2 / 6)
        case = (np.array([(0.0, 0, 2, 2), (9, 9, 10, 10)]), np.array([0.4, 0.9]), np.array([(0.0, 0, 2, 2)]))
        self.assertAlmostEqual(average_precision([case]), 0.5)  # the false one comes first

    def test_objects_join_at_corners_and_small_ones_go(self):
        m = np.zeros((9, 9), bool)
        m[1:3, 1:3] = m[3:5, 3:5] = m[8, 8] = True
        labels, n = objects(m, 4)
        self.assertEqual((n, labels[8, 8]), (1, 0))
        self.assertEqual(match_objects(labels, n, labels, n), 1)


class Places(unittest.TestCase):
    def test_whole_places_are_drawn(self):
        at, score = ['a'] * 3 + ['b'], lambda i: np.mean(i == 3)
        self.assertEqual(bootstrap(4, score, places=at), [0.0, 1.0])  # a twice, or b twice
        self.assertTrue(bootstrap(4, lambda i: float(len(i) in (2, 4, 6)), places=at) == [1.0, 1.0])

    def test_a_match_gives_pictures_the_mean_and_deviation_of_others(self):
        rng = np.random.default_rng(1)
        some, others = [[rng.normal(m, sd, (9, h, 2)) for h in (7, 11)] for m, sd in ((50, 9), (120, 30))]
        for got, want in zip(moments(dead.matched(some, others)), moments(others)):
            self.assertTrue(np.allclose(got, want, rtol=1e-4))


class Scales(unittest.TestCase):
    def test_a_tree_comes_back_to_its_place_from_any_size(self):
        x, y = 30.4, 21.7
        r, c = np.mgrid[:60, :80] + 0.5
        tree = (200 * np.exp(-((c - x) ** 2 + (r - y) ** 2) / 18))[..., None]
        for size in (0.5, 0.6, 0.75, 1.0):
            got = scales.as_of(tree, 0.6, size, 0.6)[..., 0]
            self.assertEqual(got.shape, (60, 80))
            self.assertLess(np.hypot((c * got).sum() / got.sum() - x, (r * got).sum() / got.sum() - y), 0.05)

    def test_coarser_pixels_are_means_of_areas_and_finer_ones_linear(self):
        row = np.array([10.0, 20, 30, 40, 50]).reshape(1, 5, 1)
        self.assertTrue(np.allclose(scales.resampled(row, 1.25)[0, :, 0], [12, 24, 36, 48]))  # (10 + 20 / 4) / 1.25
        self.assertTrue(np.allclose(scales.resampled(row, 0.5)[0, :4, 0], [10, 12.5, 17.5, 22.5]))
        flat = scales.as_of(np.full((41, 33, 3), 77.0), 0.1, 0.3, 0.2)
        self.assertTrue(flat.shape == (21, 17, 3) and (flat == 77).all())  # the edge neither darkens nor is lost


class Training(unittest.TestCase):
    def test_a_broken_run_resumes_to_the_same_weights(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            make = lambda: torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.BatchNorm2d(2))
            schedule = Schedule(steps=24, save_every=6, warmup=2, bf16=False)
            broken = folder / 'broken'

            def draw(rng, batch):
                x = rng.normal(size=(batch, 1, 6, 6)).astype(np.float32)
                if broken.exists() and (count_down := int(broken.read_text())) >= 0:
                    broken.write_text(str(count_down - 1))
                    if count_down == 0:
                        os._exit(3)
                return {'x': torch.from_numpy(x)}

            loss = lambda out, t, step: ((out - t['x']).pow(2).mean(), {})
            one = dict(schedule.__dict__, workers=1)
            whole = train(folder / 'a', make, draw, loss, Schedule(**one)).state_dict()
            broken.write_text('15')
            with self.assertRaises(RuntimeError):
                train(folder / 'b', make, draw, loss, Schedule(**one))
            again = train(folder / 'b', make, draw, loss, Schedule(**one)).state_dict()
            self.assertTrue(all(torch.equal(whole[k], again[k]) for k in whole))


if __name__ == '__main__':
    unittest.main()
